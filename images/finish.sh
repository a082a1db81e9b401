#!/bin/sh
# finish.sh: /opt/pointsman as it is shipped. Without tests and headers; compiled, as a read-only root keeps no caches. The
# compiled files are checked against no timestamp, so that two builds are equal.
set -eu
cd /opt/pointsman
find lib -type d \( -name tests -o -name test -o -name include \) -path '*/site-packages/*' -prune -exec rm -rf {} +
find lib -name '*.pyi' -delete
find . -name __pycache__ -type d -prune -exec rm -rf {} +
bin/python -m compileall -q --invalidation-mode unchecked-hash lib || true # some packages ship templates, which are no Python
find . -name '*.dist-info' -prune -exec sh -c 'rm -f "$1/RECORD" "$1/REQUESTED" "$1/INSTALLER" "$1/uv_cache.json" "$1/direct_url.json"' _ {} \;
