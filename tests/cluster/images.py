"""Images without a registry or an engine: a Debian base made by debootstrap, the rest by buildah on top of it.

The base stands under the tag that our Dockerfiles name, of localhost, as no registry has it. Everything is cached
beside the programs; a saved image is a `docker-archive` file for `Node.load`.

Each build of a changed tree leaves its old layers in the store, so a store that has grown large is emptied at the
start of the next run: what is used is built again, in some minutes.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from tests.cluster import pins, programs
from tests.cluster.files import locked, locked_if_free, say

_FOLDER = pins.CACHE / "images"
_IMAGES = pins.PINS["images"]
BASE: str = _IMAGES["base"]
_BUILDING = _FOLDER / ".building"  # shared by those who build; who has it alone may clean
_MOST_LAYERS = 300  # some 10 GB: 177 were 7.6 GB, 1,364 were 39 GB


class ImageError(RuntimeError):
    """An image could not be made; the message ends with what the tool said."""


def prepare() -> None:
    """The base and the pause image; a minute the first time."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    waiting = partial(say, "another process makes the base image, waiting")
    with locked(_FOLDER / ".lock", waiting), locked_if_free(_BUILDING) as nobody_builds:
        if nobody_builds:
            _clean()
        if not _exists(_IMAGES["base"]):
            _make_base()
        if not pause().exists():
            _make_pause()


def build(tag: str, context: Path, dockerfile: Path | None = None, arguments: Mapping[str, str] | None = None) -> Path:
    """Builds an image and returns the file that it was saved to. Unchanged layers come from buildah's cache.

    `arguments` are the Dockerfile's ARGs.
    """
    # chroot isolation and the host's network: RUN steps reach the package index, with this machine's certificates.
    options = ["--isolation", "chroot", "--network", "host", "--pull-never", "--layers", "--quiet"]
    certificates = ["--volume", "/etc/ssl/certs:/etc/ssl/certs:ro"]
    file = dockerfile or context / "Dockerfile"
    given = [f"--build-arg={name}={value}" for name, value in (arguments or {}).items()]
    with locked(_BUILDING, partial(say, "another process cleans the images, waiting"), fcntl.LOCK_SH):
        _buildah("bud", *options, *certificates, *given, "--tag", tag, "--file", str(file), str(context))
        return _save(tag)


def pause() -> Path:
    """The saved image of the process that holds a pod's namespaces."""
    return _archive(_IMAGES["pause"], programs_key=pins.program("pause").key)


def _clean() -> None:
    """Removes what killed builds left, and every image once there are too many. Nobody may be building."""
    _buildah("rm", "--all")
    if (layers := len(_buildah("images", "--all", "--quiet").split())) > _MOST_LAYERS:
        say(f"images: {layers} layers of earlier builds are removed, and what is used is built again")
        _buildah("rmi", "--all", "--force")


def _make_base() -> None:
    say("base image: debootstrap of Debian (about a minute)")
    begin = time.monotonic()
    root = _FOLDER / "root"
    shutil.rmtree(root, ignore_errors=True)
    include = f"--include={','.join(_IMAGES['packages'])}"
    _run("debootstrap", "--variant=minbase", include, _IMAGES["suite"], str(root))
    (root / "usr/bin/python").symlink_to("python3")
    for waste in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"):
        shutil.rmtree(root / waste, ignore_errors=True)
        (root / waste).mkdir(parents=True)
    _from_scratch(_IMAGES["base"], root, [])
    shutil.rmtree(root)
    say(f"base image: made in {time.monotonic() - begin:.0f} s")


def _make_pause() -> None:
    programs.build(["pause"])
    root = _FOLDER / "pause"
    root.mkdir(exist_ok=True)
    shutil.copy(pins.program("pause").file, root / "pause")
    _from_scratch(_IMAGES["pause"], root, ["--entrypoint", '["/pause"]'])
    _save(_IMAGES["pause"], pause())


def _from_scratch(tag: str, root: Path, settings: list[str]) -> None:
    container = _buildah("from", "scratch").strip()
    _buildah("add", "--quiet", container, str(root), "/")
    if settings:
        _buildah("config", *settings, container)
    _buildah("commit", "--quiet", container, tag)
    _buildah("rm", container)


def _save(tag: str, file: Path | None = None) -> Path:
    """Only this process's own name until the file is whole: two runs may save the same image."""
    file = file or _archive(tag)
    part = file.with_suffix(f".{os.getpid()}")
    part.unlink(missing_ok=True)
    _buildah("push", "--quiet", tag, f"docker-archive:{part}:{tag}")
    return part.rename(file)


def _archive(tag: str, programs_key: str = "") -> Path:
    short = hashlib.sha256(f"{tag}{programs_key}".encode()).hexdigest()[:12]
    return _FOLDER / f"{tag.rpartition('/')[2].replace(':', '-')}-{short}.tar"


def _exists(tag: str) -> bool:
    return _call("buildah", "inspect", "--type", "image", tag).returncode == 0


def _buildah(*arguments: str) -> str:
    return _run("buildah", *arguments)


def _run(*command: str) -> str:
    result = _call(*command)
    if result.returncode:
        raise ImageError(f"{' '.join(command[:3])} … failed:\n{(result.stdout + result.stderr)[-3000:]}")
    return result.stdout


def _call(*command: str) -> subprocess.CompletedProcess[str]:
    store = _FOLDER / "storage.conf"  # our own, not the machine's
    paths = f'runroot = "{_FOLDER}/run"\ngraphroot = "{_FOLDER}/graph"\n'
    store.write_text(f'[storage]\ndriver = "overlay"\n{paths}')
    environment = os.environ | {"CONTAINERS_STORAGE_CONF": str(store)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
