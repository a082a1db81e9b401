"""Operator and router as real processes, and waiting for what they do."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

from pointsman.core.errors import SnapshotError
from router_svc.source.stream.shelf import Shelf
from tests.support.ports import free_port
from tests.support.waiting import eventually

NAMESPACE = "pointsman-system"


class Process:
    """A server with HTTP probes."""

    def __init__(self, log: Path, port: int, arguments: list[str], environment: dict[str, str]) -> None:
        self.port, self.log = port, log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                self._command(arguments), env=os.environ | environment, stdout=out, stderr=out
            )

    def _command(self, arguments: list[str]) -> list[str]:
        return [sys.executable, "-m", "pointsman.cli", *arguments]

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

    def wait_leading(self, seconds: float = 120) -> Self:
        eventually(lambda: self.metric("pointsman_operator_leading") == 1.0, "leadership", seconds)
        return self

    def leads(self) -> bool:
        return self.process.poll() is None and self.metric("pointsman_operator_leading") == 1.0

    def snapshot(self) -> Any:
        return self.json("/snapshot")

    def metric(self, name: str) -> float | None:
        """A value of /metrics, by its name with labels."""
        lines = self("/metrics")[1].decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.rpartition(" ")[0] == name), None)


class RouterProcess(Process):
    """One router that follows a control plane; one of the same folder and port is the same router, started again."""

    def __init__(
        self, control_plane: str, folder: Path, name: str = "ai/router", *options: str, port: int | None = None
    ) -> None:
        port, grpc = port or free_port(), free_port()
        self.folder, self.state = folder, folder / "state"
        arguments = ["serve", "--control-plane", control_plane, "--name", name, "--classifier", "none", "--drain", "1"]
        arguments += ["--http", f"127.0.0.1:{port}", "--grpc", f"127.0.0.1:{grpc}"]
        arguments += ["--state", str(folder), "--private", str(folder / "private"), *options]
        super().__init__(folder.with_suffix(".log"), port, arguments, {})

    @property
    def version(self) -> str:
        """The first letters of the version in force, as /readyz shows them; empty while there is none."""
        try:
            snapshot = self.json("/readyz")["dependencies"]["snapshot"]
        except json.JSONDecodeError:
            return ""
        return str(snapshot["detail"]) if snapshot["state"] == "Ready" else ""

    @property
    def position(self) -> tuple[int, int]:
        """Of what it saved last; of nothing while that is damaged."""
        try:
            saved = Shelf(self.folder, self.folder / "private").load()
        except SnapshotError:
            return (0, 0)
        return saved.position if saved is not None else (0, 0)


class FaultsProcess:
    """A model server that has no model, at an address of this machine."""

    def __init__(self, host: str, log: Path, *options: str) -> None:
        self.host, self.port = host, free_port(host)
        command = [sys.executable, "-m", "pointsman_faults", "--host", host, "--port", str(self.port), *options]
        with log.open("ab") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out)
        eventually(self._listens, f"{host}:{self.port}")

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((self.host, self.port)) == 0

    def requests(self) -> list[dict[str, Any]]:
        """What it received."""
        with urllib.request.urlopen(f"http://{self.host}:{self.port}/requests", timeout=5) as answer:
            return list(json.load(answer))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
