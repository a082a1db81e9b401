"""All servers behind one name, each with probes and a breaker of its own.

One that hangs or has lost its models is left out, and one of another release is answered with its own; the others
notice nothing. The name is looked up again every few seconds, so that servers come and go.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from router_svc.triton.client import Headers, Target, Triton, end
from router_svc.triton.connection import Rows
from router_svc.triton.known import Memory

log = logging.getLogger(__name__)

LookUp = Callable[[str], Awaitable[Sequence[str]]]
"""HOST:PORT to the addresses behind it, each as IP:PORT. Raises OSError where there are none."""


async def look_up(name: str) -> list[str]:
    """By the machine's resolver."""
    return await asyncio.to_thread(addresses, name)


def addresses(name: str) -> list[str]:
    """The same, blocking."""
    host, _, port = name.rpartition(":")
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    return each_server([str(address[0]) for *_, address in found], port)


def each_server(hosts: Sequence[str], port: str) -> list[str]:
    """IP:PORT of each server of a name. Where it has addresses of both kinds, those of IPv4: with the others, a server
    would be there twice, and `localhost` would have one too many."""
    old = {host for host in hosts if ":" not in host}
    return sorted(f"{host}:{port}" for host in old) or sorted({f"[{host}]:{port}" for host in hosts})


class Servers:
    """Use from one event loop, between `start` and `aclose`."""

    def __init__(
        self, target: Target, headers: Headers = dict, memory: Memory | None = None, look_up: LookUp = look_up
    ) -> None:
        """`memory` is shared: what one server made need not be sent to another."""
        self._target, self._headers, self._memory, self._look_up = target, headers, memory, look_up
        self._servers: dict[str, Triton] = {}
        self._leaving: list[Triton] = []
        self._turn = 0
        self._following: asyncio.Task[None] | None = None

    @property
    def well(self) -> bool:
        """Whether any is worth asking."""
        return any(server.well for server in self._servers.values())

    @property
    def detail(self) -> str:
        """For /readyz: which release answers, and what is wrong with those that do not."""
        unwell = [f"{address}: {server.state}" for address, server in self._servers.items() if not server.well]
        answering = sorted({server.state for server in self._servers.values() if server.well})
        count = len(self._servers)
        if count < 2:
            said = next((server.state for server in self._servers.values()), "its name leads nowhere")
        else:
            some = [f"{', '.join(answering)} ({count - len(unwell)} of {count} servers)"] if answering else []
            said = "; ".join([*some, *unwell])
        return f"Triton at {self._target.address}: {said}"

    def start(self) -> None:
        """Begin to look for servers. None is well before its first probe is answered."""
        self._following = asyncio.create_task(self._follow())

    async def analyse(self, texts: Sequence[str], seconds: float) -> Rows | None:
        """The outputs for some texts, by the servers in turn; None when they are not to be had in time."""
        well = [server for server in self._servers.values() if server.well]
        if not well:
            return None
        self._turn += 1
        return await well[self._turn % len(well)].analyse(texts, seconds)

    async def aclose(self) -> None:
        """Disconnect from all."""
        if self._following is not None:
            await end(self._following)
        for server in (*self._leaving, *self._servers.values()):
            await server.aclose()
        self._servers, self._leaving = {}, []

    async def _follow(self) -> None:
        while True:
            try:
                self._take(await self._look_up(self._target.address))
            except OSError as error:  # those that are known stay: a lost resolver loses no server
                log.warning("Triton's name %s is not found: %s", self._target.address, type(error).__name__)
            for server in [server for server in self._leaving if server.idle]:
                await server.aclose()
                self._leaving.remove(server)
            await asyncio.sleep(self._target.interval if self.well else self._target.retry)

    def _take(self, addresses: Sequence[str]) -> None:
        """Have just these servers."""
        self._leaving += [server for at, server in self._servers.items() if at not in addresses]
        self._servers = {at: self._servers.get(at) or self._connected(at) for at in addresses}

    def _connected(self, address: str) -> Triton:
        server = Triton(msgspec.structs.replace(self._target, address=address), self._headers, self._memory)
        server.start()
        return server
