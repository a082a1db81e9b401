"""Python environments of their own, for what does not fit beside the tests: locked in requirements/, and cached."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.cluster.files import locked

_UV = Path(sys.prefix) / "bin" / "uv"


class Unavailable(RuntimeError):
    """Something cannot be had here; the message says why."""


def installed(name: str, size: str) -> Path:
    """The environment of requirements/NAME.txt, installed if it is missing; `size` is told. Raises Unavailable."""
    lock = Path(__file__).parents[2] / "requirements" / f"{name}.txt"
    key = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    version = f"py{sys.version_info.major}{sys.version_info.minor}"
    folder = Path.home() / ".cache" / f"pointsman-{name}" / f"{key}-{version}"
    done = folder / ".complete"
    if done.exists():
        return folder
    with locked(folder.with_suffix(".lock"), waiting=lambda: say(name, "another process installs it, waiting")):
        if not done.exists():
            say(name, f"installing it and what it needs ({size}, once)")
            shutil.rmtree(folder, ignore_errors=True)
            _uv("venv", "--quiet", "--python", sys.executable, str(folder))
            what = ("--python", str(folder), "--require-hashes", "-r", str(lock))
            _uv("pip", "install", "--quiet", "--compile-bytecode", *what)
            done.touch()
            say(name, "installed")
    return folder


def say(name: str, line: str) -> None:
    print(f"{name}: {line}", file=sys.stderr, flush=True)


def _uv(*arguments: str) -> None:
    result = subprocess.run([str(_UV), *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise Unavailable(f"uv {' '.join(arguments[:2])} failed: {result.stderr.strip()[-500:]}")
