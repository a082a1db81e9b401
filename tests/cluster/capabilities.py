"""What this machine lacks for a test cluster, in words: tests are skipped with exactly these."""

import os
import platform
import shutil
from pathlib import Path

from tests.cluster import debian, pins, programs

_GO = (1, 26)
_DISK = 5  # GB that a run writes beside its caches
_NEEDED = {12: "CAP_NET_ADMIN", 21: "CAP_SYS_ADMIN"}


def missing_for_api_server() -> list[str]:
    """etcd and kube-apiserver run as anybody, on any Linux."""
    if platform.system() != "Linux":
        return [f"Linux (this is {platform.system()})"]
    lacks = [] if shutil.which("openssl") else ["openssl"]
    if not all(pins.program(name).file.exists() for name in (*pins.API_SERVER, pins.CONTROLLERS)):
        lacks += missing_go()
    return lacks


def missing_for_node() -> list[str]:
    """Pods also need root, its capabilities, control groups and programs that Debian has."""
    if platform.system() != "Linux":
        return [f"Linux (this is {platform.system()})"]
    lacks = [] if shutil.which("openssl") else ["openssl"]
    if not all(pins.program(name).file.exists() for name in pins.NODE):
        lacks += missing_go()
    if os.geteuid() != 0:
        return [*lacks, "root"]
    if (free := _free(pins.CACHE)) < _DISK:
        lacks.append(f"{_DISK} GB of free disk at {pins.CACHE} (there are {free:.1f})")
    held = _capabilities()
    lacks += [name for bit, name in _NEEDED.items() if not held >> bit & 1]
    if not os.access("/sys/fs/cgroup", os.W_OK):
        lacks.append("a writable /sys/fs/cgroup")
    if not debian.can_install():
        lacks += [f"{package} (install it, or use Debian)" for package in debian.missing()]
    return lacks


def missing_go() -> list[str]:
    found = programs.go_version()
    wanted = ".".join(map(str, _GO))
    if found is None:
        return [f"Go {wanted} or newer"]
    return [] if found >= _GO else [f"Go {wanted} or newer (this is {'.'.join(map(str, found))})"]


def _free(folder: Path) -> float:
    """GB on the disk that a folder is on or will be on."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return shutil.disk_usage(there).free / 1e9


def _capabilities() -> int:
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1], 16) for line in status if line.startswith("CapEff:"))
