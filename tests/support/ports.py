"""Ports that nobody listens at."""

import socket
from contextlib import ExitStack

_HERE = "127.0.0.1"


def free_ports(count: int, host: str = _HERE) -> list[int]:
    """All different, because they are held until the last one is known."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((host, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def free_port(host: str = _HERE) -> int:
    [port] = free_ports(1, host)
    return port
