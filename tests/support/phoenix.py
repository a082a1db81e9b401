"""Phoenix, a real backend for traces: in an environment of its own, on this machine, with nothing sent anywhere."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from tests.support import environments
from tests.support.environments import Unavailable
from tests.support.ports import free_ports

_START_SECONDS = 300.0
_PROJECT = "default"
__all__ = ["Phoenix", "Unavailable", "installed", "phoenix"]


def installed() -> Path:
    """Its environment. Raises Unavailable."""
    return environments.installed("phoenix", "600 MB")


class Phoenix:
    """One that runs."""

    def __init__(self, port: int, grpc_port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.otlp = f"http://127.0.0.1:{grpc_port}"
        """Where it takes spans by gRPC."""

    async def spans(self) -> list[dict[str, Any]]:
        """All that it has, as its API tells of them."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}/v1/projects/{_PROJECT}/spans", params={"limit": 1000}) as response,
        ):
            if response.status == 404:  # the project comes with its first span
                return []
            response.raise_for_status()
            return list(msgspec.json.decode(await response.read())["data"])


@contextmanager
def phoenix(folder: Path) -> Iterator[Phoenix]:
    """Runs with its data in `folder`, until the block ends. Raises Unavailable."""
    home = installed()
    port, grpc_port = free_ports(2)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PHOENIX_"))}
    environment |= {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(grpc_port),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
        "PHOENIX_DISABLE_AGENT_ASSISTANT": "true",
    }
    log = folder / "phoenix.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [home / "bin" / "phoenix", "serve"], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _until_listening(process, port, log)
        yield Phoenix(port, grpc_port)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_listening(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"Phoenix ended at once: {log.read_text()[-500:]}")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"Phoenix did not start within {_START_SECONDS:.0f} s: {log.read_text()[-500:]}")
