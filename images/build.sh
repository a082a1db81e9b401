#!/usr/bin/env bash
# build.sh [NAME…]: builds the images on the pinned bases, with docker or buildah. REGISTRY (empty) and TAG (the version) name
# them, ENGINE chooses the program, BASE takes another base for all (a mirror's, say). Equal sources give equal layers by
# buildah (docker's were not compared): times are those of the last commit.
set -euo pipefail
cd "$(dirname "$0")/.."
source images/bases.env
ENGINE=${ENGINE:-$(command -v docker >/dev/null && echo docker || echo buildah)}
TAG=${TAG:-$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml | head -1)}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
for name in ${@:-operator router demo triton-cpu}; do
  case $name in
    triton-gpu) base=${BASE:-${NVIDIA_REGISTRY:?names the registry that holds the Triton image of NVIDIA}/$TRITON_BASE} ;;
    *) base=${BASE:-$PYTHON_BASE} ;;
  esac
  tag=${REGISTRY:+$REGISTRY/}pointsman-$name:$TAG
  labels=(--label "org.opencontainers.image.version=$TAG" --label "org.opencontainers.image.licenses=Apache-2.0")
  case $ENGINE in
    docker) docker buildx build --load "${labels[@]}" --build-arg "BASE=$base" --build-arg "PYTHON_BASE=$PYTHON_BASE" --build-arg SOURCE_DATE_EPOCH --tag "$tag" \
      --file "images/$name/Dockerfile" . ;;
    buildah) buildah bud --layers "${labels[@]}" --build-arg "BASE=$base" --build-arg "PYTHON_BASE=$PYTHON_BASE" --timestamp "$SOURCE_DATE_EPOCH" --tag "$tag" \
      --file "images/$name/Dockerfile" . ;;
    *) echo "ENGINE=$ENGINE: is neither docker nor buildah" >&2; exit 2 ;;
  esac
done
