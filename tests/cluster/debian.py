"""The programs that come as Debian packages, and their installation when they are missing."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.cluster.files import say

_PROGRAMS = {  # package → what it must have brought
    "containerd": "containerd",
    "runc": "runc",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "iproute2": "ip",
    "iptables": "iptables",  # CNI's portmap calls it
    "nftables": "nft",
    "conntrack": "conntrack",
    "procps": "sysctl",
    "util-linux": "nsenter",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
}


class InstallError(RuntimeError):
    """apt-get failed; the message ends with what it said."""


def missing() -> list[str]:
    return [package for package, program in _PROGRAMS.items() if not _found(program)]


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_missing() -> None:
    """Installs what is missing, with one line of progress. Does nothing when all is there."""
    packages = missing()
    if packages:
        install(*packages)


def install(*packages: str) -> None:
    """Installs these, with one line of progress. Raises InstallError."""
    say(f"installing {', '.join(packages)} (Debian packages)")
    _apt("update")
    _apt("install", "--yes", "--no-install-recommends", *packages)


def _found(program: str) -> bool:
    return Path(program).exists() if program.startswith("/") else shutil.which(program) is not None


def _apt(*arguments: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "--quiet", "-o", "DPkg::Lock::Timeout=300", *arguments]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise InstallError(f"{' '.join(command)} failed:\n{(result.stdout + result.stderr)[-2000:]}")
