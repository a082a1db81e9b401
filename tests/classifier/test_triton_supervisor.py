"""The supervisor keeps a server answering: here a small one that stands in for Triton and can be told to fall ill."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pointsman_classifier.triton_supervisor import infers

SERVER = """
import os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
folder = Path(sys.argv[1])
class Answers(BaseHTTPRequestHandler):
    def do_POST(self):
        if (folder / "dead").exists():
            (folder / "dead").unlink()
            if os.fork() == 0:
                os._exit(1)  # a model's process that nobody waits for
        self.send_response(200)
        self.end_headers()
        (folder / "asked").open("a").write(f"{os.getpid()}\\n")
    def log_message(self, *_):
        pass
(folder / "pids").open("a").write(f"{os.getpid()}\\n")
HTTPServer(("127.0.0.1", int(sys.argv[2])), Answers).serve_forever()
"""
SUPERVISE = """
import os, sys
from pointsman_classifier.triton_supervisor import Supervisor
command = [sys.executable, sys.argv[1], sys.argv[2], sys.argv[3]]
sys.exit(Supervisor(command, os.environ, "127.0.0.1", int(sys.argv[3])).run())
"""


class Supervised:
    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.folder = folder
        (folder / "server.py").write_text(SERVER)
        arguments = [str(folder / "server.py"), str(folder), str(self.port)]
        self.process = subprocess.Popen([sys.executable, "-c", SUPERVISE, *arguments])

    @property
    def pids(self) -> list[int]:
        """The servers, in the order of their start."""
        return self.lines("pids")

    def lines(self, name: str) -> list[int]:
        file = self.folder / name
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def until(self, said: Callable[[], bool], seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not said():
            assert time.monotonic() < end, "did not happen in time"
            assert self.process.poll() is None
            time.sleep(0.02)

    def answers(self, starts: int) -> None:
        """So many servers were started, and the supervisor has had answers from the last (nobody else asks)."""
        self.until(lambda: len(self.pids) == starts and self.lines("asked").count(self.pids[-1]) >= 2)


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    running = Supervised(tmp_path)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()
        for pid in running.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_a_server_that_ended_is_started_again(supervised: Supervised) -> None:
    supervised.answers(starts=1)
    os.kill(supervised.pids[0], signal.SIGKILL)
    supervised.answers(starts=2)


def test_a_server_with_a_dead_model_is_started_again(supervised: Supervised) -> None:
    supervised.answers(starts=1)
    (supervised.folder / "dead").touch()
    supervised.answers(starts=2)


def test_a_server_that_hangs_is_started_again(supervised: Supervised) -> None:
    supervised.answers(starts=1)
    os.kill(supervised.pids[0], signal.SIGSTOP)
    supervised.answers(starts=2)


def test_it_ends_with_its_server(supervised: Supervised) -> None:
    supervised.answers(starts=1)
    supervised.process.send_signal(signal.SIGTERM)
    assert supervised.process.wait(30) == -signal.SIGTERM % 256
    assert not infers("127.0.0.1", supervised.port)
