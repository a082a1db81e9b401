#!/bin/sh
# dependencies.sh LOCK…: an environment in /opt/pointsman with exactly the locks' packages, and in /opt/build what makes it.
set -eu
export UV_SYSTEM_CERTS=1 # a mirror's certificate may be the machine's own
python3 -m venv /opt/build
/opt/build/bin/pip install --quiet --disable-pip-version-check --cache-dir /cache/pip --require-hashes -r requirements/uv.txt
/opt/build/bin/uv pip install --python /opt/build --require-hashes -r requirements/images/build.txt
python3 -m venv --without-pip /opt/pointsman
for lock in "$@"; do
  /opt/build/bin/uv pip install --python /opt/pointsman --no-deps --require-hashes -r "$lock"
done
