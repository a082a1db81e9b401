"""Child processes: started tied to this one, with a log file each, and ended together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from pointsman.cli.demo import tied

_LOG_SHOWN = 12
"""Lines of a log that are shown when its process ended unasked."""


class Child:
    """One process. Must be started by the main thread: it is tied to the thread that starts it."""

    def __init__(self, name: str, command: list[str], log: Path) -> None:
        """`command` is the arguments of `python`."""
        self.name, self.log = name, log
        self._command = command
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        tie = [sys.executable, "-I", "-S", tied.__file__, str(os.getpid()), sys.executable]
        with self.log.open("wb") as log:
            return subprocess.Popen(  # noqa: S603 - our own commands
                [*tie, *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in a terminal reaches only this process, which ends them in order
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def restart(self, command: list[str]) -> None:
        """Start it again, after it has ended."""
        self._command = command
        self._process = self._start()

    def lines(self) -> list[str]:
        """What it wrote until now."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()

    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join(self.lines()[-_LOG_SHOWN:])

    def tell(self, number: signal.Signals) -> None:
        """Send a signal, if it is still there."""
        if self.running:
            self._process.send_signal(number)

    def wait(self, until: float) -> None:
        """Wait for its end until a time (monotonic seconds), then kill it."""
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def end(children: Iterable[Child], limit: float) -> None:
    """Ask all to end, and kill what is left after `limit` seconds; a second Ctrl-C kills at once."""
    children = list(children)
    until = time.monotonic() + limit
    try:
        for child in children:
            child.tell(signal.SIGTERM)
        for child in children:
            child.wait(until)
    except KeyboardInterrupt:
        for child in children:
            child.wait(0.0)
