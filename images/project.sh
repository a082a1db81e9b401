#!/bin/sh
# project.sh: adds this project to /opt/pointsman as a wheel.
set -eu
/opt/build/bin/uv build --quiet --wheel --no-build-isolation --python /opt/build/bin/python --out-dir /opt/build/dist .
/opt/build/bin/uv pip install --python /opt/pointsman --no-deps /opt/build/dist/*.whl
