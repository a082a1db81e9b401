"""A real Triton server, in an environment of its own, on this machine: tests start, harm and end it."""

import asyncio
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pointsman.cli.triton.client import outputs
from router_svc.triton.connection import Connection, NoAnswer
from tests.support import environments
from tests.support.environments import Unavailable
from tests.support.ports import free_ports

_ROOT = Path(__file__).parents[2]
_START_SECONDS = 120.0


def installed() -> Path:
    """Its environment. Raises Unavailable."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        raise Unavailable("nvidia-pytriton is for Linux on x86-64")
    return environments.installed("triton", "410 MB")


class TritonServer:
    """One server on 127.0.0.1 with its supervisor, over a model repository that it may be told to load again."""

    def __init__(self, home: Path, repository: Path, folder: Path) -> None:
        self.repository, self._home, self._folder = repository, home, folder
        self._port, self._http = free_ports(2)
        self.address = f"127.0.0.1:{self._port}"
        self.log = folder / "triton.log"
        self._shared = f"pointsman_test_{os.getpid()}_{self._port}_"
        self._supervisor: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, if it does not run, and wait until it infers."""
        if self._supervisor is None:
            self._launch()
        asyncio.run(self._until_well())

    def _launch(self) -> None:
        options = [
            "--grpc-address=127.0.0.1",
            f"--grpc-port={self._port}",
            f"--http-port={self._http}",
            "--allow-metrics=false",
            f"--backend-config=python,shm-region-prefix-name={self._shared}",
        ]
        environment = {**os.environ, "TMPDIR": str(self._folder), "PYTHONPATH": f"{_ROOT}:{_ROOT / 'classifier'}"}
        command = [self._home / "bin" / "python", "-m", "pointsman_classifier.triton_server", self.repository]
        with self.log.open("ab") as output:
            self._supervisor = subprocess.Popen(
                [*command, *options], env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=self._folder
            )

    @property
    def pid(self) -> int | None:
        """The server under its supervisor; None while there is none."""
        assert self._supervisor is not None
        return next(iter(_children(self._supervisor.pid)), None)

    def stubs(self) -> list[int]:
        """Processes of its Python models."""
        pid = self.pid
        return _children(pid) if pid is not None else []

    def kill(self) -> None:
        """kill -9, as the kernel does when memory is short."""
        pid = self.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It hangs with its connections open; so does its supervisor, as on a machine that is stuck."""
        assert self._supervisor is not None
        pids = [self._supervisor.pid, *([self.pid] if self.pid is not None else [])]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in reversed(pids):
                os.kill(pid, signal.SIGCONT)

    def stop(self) -> None:
        """End it for good, and what it leaves in shared memory."""
        if self._supervisor is not None:
            pid = self.pid
            self._supervisor.kill()
            self._supervisor.wait(30)
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
        for left in Path("/dev/shm").glob(f"{self._shared}*"):
            left.unlink(missing_ok=True)

    def asked(self) -> str:
        """The release that answers a question now."""
        return asyncio.run(self._ask())

    async def _ask(self) -> str:
        connection = Connection(self.address, outputs())
        try:
            return (await connection.infer(("hello",), 30.0, {})).release
        finally:
            await connection.close()

    async def _until_well(self) -> None:
        connection, end = Connection(self.address, outputs()), time.monotonic() + _START_SECONDS
        try:
            while time.monotonic() < end:
                if self._supervisor is None or self._supervisor.poll() is not None:
                    raise RuntimeError(f"Triton ended at once: {self.log.read_text()[-2000:]}")
                with suppress(NoAnswer):
                    await connection.infer(("hello",), 1.0, {})
                    return
                await asyncio.sleep(0.05)
        finally:
            await connection.close()
        raise RuntimeError(f"Triton did not start within {_START_SECONDS:.0f} s: {self.log.read_text()[-2000:]}")


@contextmanager
def triton_server(folder: Path) -> Iterator[TritonServer]:
    """A server over a fresh repository of one release; it does not run yet. Raises Unavailable."""
    from pointsman_classifier.triton_build import build  # onnxruntime is loaded for those tests only

    repository = folder / "models"
    build(repository, kind="KIND_CPU", progress=functools.partial(environments.say, "triton"))
    server = TritonServer(installed(), repository, folder)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """One that runs, for tests that ask it and leave it as it is."""
    yield from _serving(tmp_path_factory.mktemp("triton"))


@pytest.fixture(scope="module")
def own_triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """One that runs, for the tests of one module to harm; each begins with `start`."""
    yield from _serving(tmp_path_factory.mktemp("own-triton"))


def _serving(folder: Path) -> Iterator[TritonServer]:
    try:
        with triton_server(folder) as server:
            server.start()
            yield server
    except Unavailable as error:
        pytest.skip(f"no Triton: {error}")


async def until(said: Callable[[], bool], seconds: float = 180.0) -> None:
    """Wait for a condition; fails when it does not come."""
    end = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < end, "did not happen in time"
        await asyncio.sleep(0.02)


def _children(pid: int) -> list[int]:
    found: list[str] = []
    with suppress(FileNotFoundError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += (task / "children").read_text().split()
    return [int(child) for child in found]
