"""What the demonstration starts, and when each of it is up."""

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pointsman.cli.demo import probe
from pointsman.cli.demo.children import Child
from pointsman.cli.demo.stage import Stage
from pointsman.core.errors import ConfigError

MODELS = ("small", "large")
"""Backends with a real model; the same weights, since no second model of this size has a licence that fits."""
FAULTS = "flaky"
"""The backend that is a fault server."""
NAMESPACE = "demo"

_PATIENCE = 300.0
"""Seconds until something that does not come up is an error; exporting the encoder may take one minute."""
_POLL = 0.1
_URL = re.compile(r"listens on http://[^\s:]+:(\d+)")

Say = Callable[[str], None]


def label(name: str) -> str:
    """What people read."""
    return {FAULTS: "pointsman-faults", **{model: f"model {model}" for model in MODELS}}.get(name, name)


def model_command(name: str, port: int = 0) -> list[str]:
    """A model server. One thread each on small machines: with more threads than free cores, llama.cpp crawls."""
    threads = max(1, ((os.cpu_count() or 1) - 1) // len(MODELS))
    flags = ["--name", name, "--port", str(port), "--threads", str(threads), "--slots", "2", "--context", "2048"]
    return ["-m", "pointsman.cli", "model-server", *flags]


def faults_command(port: int = 0) -> list[str]:
    """The fault server, which answers normally until it is told to fail."""
    return ["-m", "pointsman_faults", "--name", FAULTS, "--port", str(port)]


def router_command(stage: Stage, http: str, grpc: str) -> list[str]:
    """The router, as anyone would start it."""
    flags = ["--http", http, "--grpc", grpc, "--keys", str(stage.keys), "--allow-loopback", "--drain", "5"]
    return ["-m", "pointsman.cli", "serve", str(stage.policies), *flags]


def start_backend(name: str, logs: Path) -> Child:
    """A model or the fault server, on a port that it chooses."""
    command = faults_command() if name == FAULTS else model_command(name)
    return Child(name, command, logs / f"{name}.log")


def backend_command(name: str, port: int) -> list[str]:
    """The same again, on the port that the router knows."""
    return faults_command(port) if name == FAULTS else model_command(name, port)


def wait_for_port(child: Child, say: Say) -> int:
    """The port that a backend listens on, once it is loaded."""
    say("loading")
    for lines in _until_late(child):
        for line in lines:
            if match := _URL.search(line):
                say(f"process {child.pid}, port {match[1]}")
                return int(match[1])
    raise AssertionError("waiting ends by return or by an error")


def wait_for_answer(child: Child, url: str, model: str, say: Say) -> None:
    """Wait until the router answers a real request."""
    for lines in _until_late(child):
        say(lines[-1][:100] if lines else "loading the classifier")
        if probe.answers(url, model):
            say(f"process {child.pid}, {url}")
            return


def _until_late(child: Child) -> Iterator[list[str]]:
    """The child's log, again and again. Raises ConfigError when it ends, or when it takes too long."""
    late = time.monotonic() + _PATIENCE
    while time.monotonic() < late:
        if not child.running:
            raise ConfigError(f"{child.name} did not start:\n{child.last_words()}")
        yield child.lines()
        time.sleep(_POLL)
    raise ConfigError(f"{child.name} did not come up within {_PATIENCE:.0f} s:\n{child.last_words()}")
