"""Builds the pinned programs from Go modules: once, atomically, and safely when two processes want the same.

No `go mod tidy`: the modules' own go.mod files decide every version, so that a build today and next year are
the same, and Go's checksum database vouches for each.
"""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.cluster import pins
from tests.cluster.files import locked, say


class BuildFailedError(RuntimeError):
    """A program could not be built; the message ends with what Go said."""


def build(names: Iterable[str] = pins.ALL, tell: Callable[[str], None] = say) -> Path:
    """Builds what is missing of `names` and returns the folder that has them."""
    folder = pins.bin_folder()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [pins.program(name) for name in names]
    for number, program in enumerate(wanted, 1):
        if not program.file.exists():
            _build(program, f"{number}/{len(wanted)} {program.name} {program.version}", tell)
        _link(folder / program.name, program.file)
    return folder


def _build(program: pins.Program, label: str, tell: Callable[[str], None]) -> None:
    folder = _source_folder(program)
    with locked(folder / ".lock", waiting=lambda: tell(f"{label}: another process builds it, waiting")):
        if program.file.exists():
            return
        tell(f"{label}: building")
        begin = time.monotonic()
        if program.source:
            (folder / "main.go").write_text(program.source)
        if not (folder / "go.mod").exists():  # else it is there, and Go has completed it
            (folder / "go.mod.new").write_text(_go_mod(program))
            (folder / "go.mod.new").rename(folder / "go.mod")
        _compile(folder, program)
        tell(f"{label}: built in {time.monotonic() - begin:.0f} s")


def _go_mod(program: pins.Program) -> str:
    """A module of our own that requires the pinned one."""
    lines = [f"module pointsman.dev/{program.module}", "go 1.26.0"]
    lines += [f"require {program.path} {program.version}"] if program.path else []
    lines += [f"require {requirement}" for requirement in program.requires]
    lines += [f"replace {replacement}" for replacement in program.replaces]
    return "\n\n".join(lines) + "\n"


def _source_folder(program: pins.Program) -> Path:
    """One for all programs of a module: they share what Go wrote into go.mod and go.sum."""
    key = hashlib.sha256(f"{_go_mod(program)}{program.source}".encode()).hexdigest()[:12]
    return pins.CACHE / "src" / f"{program.module}-{key}"


def _compile(folder: Path, program: pins.Program) -> None:
    program.file.parent.mkdir(parents=True, exist_ok=True)
    for abandoned in program.file.parent.glob(f"{program.file.name}.part*"):  # we hold the lock: nobody will use it
        abandoned.unlink()
    # A name of our own: when a build is killed, its `go` may go on writing for a while.
    part = program.file.with_name(f"{program.file.name}.part{os.getpid()}")
    flags = f"-s -w -X {program.stamp}={program.version}" if program.stamp else "-s -w"
    command = ["go", "build", "-mod=mod", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", str(part)]
    environment = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
    result = subprocess.run(
        [*command, program.package or "."], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True, check=False
    )
    if result.returncode:
        raise BuildFailedError(f"go build of {program.name} {program.version} failed:\n{result.stderr[-3000:]}")
    part.rename(program.file)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    new = link.with_name(f".{link.name}.{os.getpid()}")
    new.symlink_to(target)
    new.rename(link)


def go_version() -> tuple[int, ...] | None:
    """Go's version as numbers, or None without Go."""
    if not shutil.which("go"):
        return None
    text = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    numbers = text.strip().removeprefix("go").split(".")
    return tuple(int(number) for number in numbers if number.isdigit()) or None
