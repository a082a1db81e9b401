"""Operator and router as real processes, and waiting for what they do."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

_T = TypeVar("_T")
NAMESPACE = "pointsman-system"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(look: Callable[[], _T | None], what: str, seconds: float = 20) -> _T:
    """What `look` gives once it gives something true."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.05)


class Process:
    """A server with HTTP probes."""

    def __init__(self, log: Path, port: int, arguments: list[str], environment: dict[str, str]) -> None:
        self.port, self.log = port, log
        command = [sys.executable, "-m", "pointsman.cli", *arguments]
        with log.open("ab") as out:
            self.process = subprocess.Popen(command, env=os.environ | environment, stdout=out, stderr=out)

    def __call__(self, path: str) -> tuple[int, bytes]:
        """A GET; status 0 while it does not listen."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            return 0, b""

    def json(self, path: str) -> Any:
        return json.loads(self(path)[1])

    def wait_ready(self) -> Self:
        eventually(lambda: self("/readyz")[0] == 200, "readiness")
        return self

    def stop(self) -> int:
        """As Kubernetes does; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """As a lost node does."""
        self.process.kill()
        self.process.wait()


class OperatorProcess(Process):
    """One replica of the control plane."""

    def __init__(
        self, kubeconfig: Path, log: Path, *options: str, name: str = "operator-1", stream: int | None = None
    ) -> None:
        port, self.stream = free_port(), stream or free_port()
        arguments = ["operator", "--namespace", NAMESPACE, "--name", name, "--probes", f"127.0.0.1:{port}"]
        arguments += ["--stream", f"127.0.0.1:{self.stream}", *options]
        super().__init__(log, port, arguments, {"KUBECONFIG": str(kubeconfig)})

    def wait_leading(self, seconds: float = 30) -> Self:
        eventually(lambda: self.metric("pointsman_operator_leading") == 1.0, "leadership", seconds)
        return self

    def snapshot(self) -> Any:
        return self.json("/snapshot")

    def metric(self, name: str) -> float | None:
        """A value of /metrics, by its name with labels."""
        lines = self("/metrics")[1].decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.rpartition(" ")[0] == name), None)


class RouterProcess(Process):
    """One router that follows a control plane."""

    def __init__(self, control_plane: str, folder: Path, name: str = "ai/router") -> None:
        port, grpc = free_port(), free_port()
        self.state = folder / "state"
        arguments = ["serve", "--control-plane", control_plane, "--name", name, "--classifier", "none", "--drain", "1"]
        arguments += ["--http", f"127.0.0.1:{port}", "--grpc", f"127.0.0.1:{grpc}"]
        arguments += ["--state", str(folder), "--private", str(folder / "private")]
        super().__init__(folder.with_suffix(".log"), port, arguments, {})
