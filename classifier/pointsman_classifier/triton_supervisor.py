"""Keeps a Triton server answering: it is started again when it ended, or when no inference has succeeded for a while.

The Python backend does not start a model's process again when that has died: requests to it hang, while the server's
own health checks stay green. So the check is an inference, and a look for dead processes. By itself,
`python -m pointsman_classifier.triton_supervisor [HOST:PORT]` makes one inference by HTTP and exits with 0 or 1: a
liveness probe for images whose server is not started by this. Standard library only.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

MODEL = "classifier"

_INTERVAL = 1.0
_PROBE_SECONDS = 2.0
_PATIENCE = 10.0
"""Seconds without a successful inference, of a server that had answered, until it is started again."""
_START_SECONDS = 300.0
"""The same for one that has not answered yet: TensorRT takes minutes to build its engines."""
_PAUSE = 1.0
"""Seconds between two starts."""


def infers(address: str, port: int, seconds: float = _PROBE_SECONDS) -> bool:
    """Whether the server answers an inference by HTTP within a time."""
    body = {"inputs": [{"name": "TEXT", "shape": [1, 1], "datatype": "BYTES", "data": ["hello"]}]}
    request = urllib.request.Request(
        f"http://{address}:{port}/v2/models/{MODEL}/infer", json.dumps(body).encode(), method="POST"
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=seconds) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError, HTTPException):
        return False


def dead_models(server: int) -> frozenset[int]:
    """Processes of a server's Python models that have died without the server's knowing: one that it ended itself
    would be gone."""
    found: set[int] = set()
    for task in Path(f"/proc/{server}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
                found.update({child} if state == "Z" else ())
    return frozenset(found)


class Supervisor:
    """One server at a time; `run` blocks, in the main thread."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], address: str, port: int) -> None:
        self._command, self._environment = command, environment
        self._address, self._port = address, port
        self._ending = False
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; the exit code is the server's."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        while True:
            code = self._serve()
            if self._ending:
                return code
            print(f"Triton ended ({code}) or does not infer; it is started again", file=sys.stderr, flush=True)
            time.sleep(_PAUSE)

    def _serve(self) -> int:
        """One server, until it ends or is given up."""
        # a group of its own, so that its Python models can be ended with it
        process = subprocess.Popen(self._command, env=dict(self._environment), start_new_session=True)  # noqa: S603
        self._process = process
        began = good = time.monotonic()
        answered, dead = False, frozenset[int]()
        while process.poll() is None:
            if infers(self._address, self._port):
                answered, good = True, time.monotonic()
            waited = time.monotonic() - (good if answered else began)
            before, dead = dead, dead_models(process.pid)
            lost = waited > (_PATIENCE if answered else _START_SECONDS) or bool(before & dead)
            if lost and not self._ending:
                break
            with suppress(subprocess.TimeoutExpired):
                process.wait(_INTERVAL)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        return process.wait()

    def _end(self, _number: int, _frame: object) -> None:
        self._ending = True
        if self._process is not None:
            self._process.terminate()


if __name__ == "__main__":
    host, _, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8000").rpartition(":")
    sys.exit(not infers(host, int(port)))
