"""The commands that the documents show, and a terminal that runs them as they are written.

A ```console block holds lines `$ COMMAND`, continued by a backslash, with what they print in between.
"""

import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md")),
    *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "examples").glob("*/README.md")),
    "charts/pointsman/README.md",
)
_DONE = "==done=="


class Command(NamedTuple):
    """One command of a page, under its nearest heading."""

    page: str
    section: str
    text: str
    shown: str
    """What the page shows under it."""

    @property
    def bare(self) -> str:
        """Without the remark behind it."""
        return re.sub(r"\s{2,}#.*", "", self.text)


def commands(page: str, *sections: str) -> list[Command]:
    """Those of a page, in order, or of some sections. Who asks for them runs them all: test_docs.py counts on it."""
    found: list[Command] = []
    section, inside = "", False
    for line in (ROOT / page).read_text().splitlines():
        if line.startswith("```"):
            inside = line == "```console"
        elif not inside:
            section = line.lstrip("# ") if line.startswith("#") else section
        elif line.startswith("$ "):
            found.append(Command(page, section, line[2:], ""))
        else:
            last = found.pop()
            continued = last.text.endswith("\\") and not last.shown
            added = {"text": f"{last.text}\n{line}"} if continued else {"shown": f"{last.shown}{line}\n"}
            found.append(last._replace(**added))
    assert not sections or {each.section for each in found} >= set(sections), f"{page} has not all of {sections}"
    return [each for each in found if not sections or each.section in sections]


def workspace(folder: Path) -> Path:
    """A checkout to run commands in, with this one's environment: what they write stays out of the real one."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "build", "__pycache__", "keys.yaml"))
    (folder / ".dockerignore").write_text((ROOT / ".dockerignore").read_text())
    if (ROOT / ".venv").exists():
        (folder / ".venv").symlink_to(ROOT / ".venv")
        for given in (folder / "pyproject.toml", *folder.glob("requirements/*.txt")):
            os.utime(given, (0, 0))  # older than the environment, or make would install this copy into it
    return folder


def headers(answer: str) -> list[str]:
    """Status line and headers of interest that `curl -i` printed, without what differs each time."""
    lines = re.findall(r"^(HTTP/.*|x-pointsman-.*|content-type:.*)$", answer.replace("\r", ""), re.MULTILINE)
    return sorted(re.sub(r"(decision-id: ).*", r"\1…", line) for line in lines)


class Failed(AssertionError):
    """A command did not do what its page says; the message is what it printed."""


class Terminal:
    """A bash that keeps variables and jobs from one command to the next. What it started ends with the block."""

    def __init__(
        self, folder: Path, replaced: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        """`replaced` are texts of commands that cannot hold here, such as a registry's name or a port."""
        self._replaced = replaced or {}
        given = {**os.environ, **(environment or {})}
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env={**given, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{given['PATH']}", "COLUMNS": "200"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """All that it started is in its process group; SIGTERM first, as most of it has something to clear."""
        for number, seconds in ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0)):
            end = time.monotonic() + seconds
            with suppress(ProcessLookupError):  # nobody is left
                os.killpg(self._bash.pid, number)
                while time.monotonic() < end:
                    self._bash.poll()
                    os.killpg(self._bash.pid, 0)
                    time.sleep(0.05)

    def run(self, command: Command | str, seconds: float = 120, status: int | None = 0) -> str:
        """What it prints, errors included; raises Failed unless it ends with this status (None: with any)."""
        text = self.replace(command.bare if isinstance(command, Command) else command)
        mark = f"=={time.monotonic_ns()}=="
        assert self._bash.stdin
        self._bash.stdin.write(f"{{\n{text}\n}} </dev/null\nprintf '\\n{mark}%s\\n' $?\n".encode())
        self._bash.stdin.flush()
        printed, _, rest = self._until(mark, text, seconds).rpartition(mark)
        ended = int(rest.split("\n")[0])  # what a job in the background said after it is nobody's
        if status is not None and ended != status:
            raise Failed(f"$ {text}\nended with {ended}:\n{printed}")
        return printed.rstrip("\n")

    def serve(self, command: Command | str, port: int, seconds: float = 120) -> None:
        """Runs a server beside the commands that follow; returns when it listens on a port of this machine."""
        text = command.bare if isinstance(command, Command) else command
        self.run(f"{{ {text.rstrip(' &')}; }} &")
        self.listening(port, seconds)

    def listening(self, port: int, seconds: float = 120) -> None:
        """Returns when somebody listens there."""
        self.until(f"(exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null", seconds)

    def until(self, command: str, seconds: float = 120) -> str:
        """Repeats a command until it succeeds; what it printed then."""
        end = time.monotonic() + seconds
        while True:
            printed = self.run(f"{command} && echo {_DONE}", status=None)
            if printed.endswith(_DONE):
                return printed.removesuffix(_DONE)
            if time.monotonic() > end:
                raise Failed(f"$ {command}\ndid not succeed within {seconds:.0f} s:\n{printed}")
            time.sleep(0.1)

    def replace(self, text: str) -> str:
        for old, new in self._replaced.items():
            text = text.replace(old, new)
        return text

    def _until(self, mark: str, command: str, seconds: float) -> str:
        printed, end = b"", time.monotonic() + seconds
        assert self._bash.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(self._bash.stdout, selectors.EVENT_READ)
            while not re.search(mark.encode() + rb"\d+\n", printed):
                if not selector.select(max(0.0, end - time.monotonic())):
                    raise Failed(f"$ {command}\ndid not end within {seconds:.0f} s:\n{printed.decode()}")
                piece = os.read(self._bash.stdout.fileno(), 65536)
                if not piece:
                    raise Failed(f"$ {command}\nended the terminal:\n{printed.decode()}")
                printed += piece
        return printed.decode(errors="replace")
