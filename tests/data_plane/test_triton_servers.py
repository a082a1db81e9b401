"""Several Triton servers behind one name: what becomes of one is not felt by those that ask the others."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import numpy as np
import pytest

from router_svc.triton.client import Target
from router_svc.triton.servers import Servers, each_server, look_up
from tests.support.servicer import JUDGED, OUTPUTS, Servicer, answering
from tests.support.triton import until

UNIT = np.array([[0, 0.6, 0.8]], np.float32)
RIGHT = {"embedding": UNIT, "judgement": JUDGED[:1], "category": JUDGED[:1, :2], "gain": JUDGED[:1, 2:]}


class Names:
    """A resolver that says what a test wants."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.lost = False

    async def __call__(self, name: str) -> Sequence[str]:
        if self.lost:
            raise OSError("no resolver")
        return list(self.addresses)


class Some:
    """Two servers, and what asks them."""

    def __init__(self, servicers: list[Servicer], names: Names, servers: Servers) -> None:
        self.first, self.second = servicers
        self.names, self.servers = names, servers

    async def ask(self) -> bool:
        """Whether a question is answered."""
        return await self.servers.analyse(("a",), 1.0) is not None


@asynccontextmanager
async def some(*releases: str) -> AsyncIterator[Some]:
    servicers, names = [Servicer(release) for release in releases], Names()
    facts = {"outputs": OUTPUTS, "probe": "a", "expected": UNIT[0], "interval": 0.2, "retry": 0.05, "patience": 1.0}
    async with AsyncExitStack() as stack:
        for servicer in servicers:
            servicer.tensors = RIGHT
            names.addresses.append(await stack.enter_async_context(answering(servicer)))
        servers = Servers(Target(address="triton:8001", **facts), look_up=names)
        servers.start()
        try:
            yield Some(servicers, names, servers)
        finally:
            await servers.aclose()


async def test_they_are_asked_in_turn() -> None:
    async with some("7", "7") as each:
        await until(lambda: each.servers.detail == "Triton at triton:8001: release 7 (2 of 2 servers)")
        before = len(each.first.asked), len(each.second.asked)
        assert all([await each.ask() for _ in range(10)])
        assert len(each.first.asked) >= before[0] + 5
        assert len(each.second.asked) >= before[1] + 5


async def test_one_that_hangs_is_left_out_and_used_again() -> None:
    async with some("7", "7") as each:
        await until(lambda: "(2 of 2 servers)" in each.servers.detail)
        each.second.hangs = True
        await until(lambda: "release 7 (1 of 2 servers)" in each.servers.detail)
        assert f"{each.names.addresses[1]}: DEADLINE_EXCEEDED" in each.servers.detail
        assert all([await each.ask() for _ in range(10)])
        each.second.hangs = False
        await until(lambda: "(2 of 2 servers)" in each.servers.detail)


async def test_two_releases_answer_side_by_side() -> None:
    """As while a promotion is on its way; a release is trusted once its server was probed."""
    async with some("7", "8") as each:
        await until(lambda: "release 7, release 8 (2 of 2 servers)" in each.servers.detail)
        assert all([await each.ask() for _ in range(10)])
        assert "(2 of 2 servers)" in each.servers.detail


@pytest.mark.parametrize(
    ("embedding", "judgement"),
    [(UNIT, JUDGED[:1, :2]), (UNIT * np.float32(np.nan), JUDGED[:1])],
    ids=["another shape", "not finite"],
)
async def test_one_that_begins_to_answer_wrongly_is_left_out(embedding: np.ndarray, judgement: np.ndarray) -> None:
    async with some("7", "7") as each:
        await until(lambda: "(2 of 2 servers)" in each.servers.detail)
        each.second.tensors = {**RIGHT, "embedding": embedding, "judgement": judgement}
        await until(lambda: "(1 of 2 servers)" in each.servers.detail)
        assert all([await each.ask() for _ in range(10)])
        each.second.tensors = RIGHT
        await until(lambda: "(2 of 2 servers)" in each.servers.detail)


async def test_servers_come_and_go() -> None:
    async with some("7", "8") as each:
        both = each.names.addresses
        each.names.addresses = both[:1]
        await until(lambda: each.servers.detail.endswith("release 7"))
        each.names.addresses = both[1:]
        await until(lambda: each.servers.detail.endswith("release 8"))
        assert await each.ask()
        each.names.addresses = []
        await until(lambda: not each.servers.well)
        assert each.servers.detail.endswith("its name leads nowhere")
        assert not await each.ask()


async def test_a_lost_resolver_loses_no_server() -> None:
    async with some("7", "7") as each:
        await until(lambda: "(2 of 2 servers)" in each.servers.detail)
        each.names.lost = True
        assert all([await each.ask() for _ in range(10)])
        each.names.addresses, each.names.lost = each.names.addresses[:1], False
        await until(lambda: each.servers.detail.endswith("release 7"))


def test_a_server_with_addresses_of_both_kinds_is_one() -> None:
    assert each_server(["fd00::1", "10.0.0.2", "10.0.0.1", "fd00::2"], "1") == ["10.0.0.1:1", "10.0.0.2:1"]
    assert each_server(["fd00::2", "fd00::1"], "1") == ["[fd00::1]:1", "[fd00::2]:1"]


async def test_names_are_looked_up_by_the_machine() -> None:
    assert await look_up("127.0.0.1:8001") == ["127.0.0.1:8001"]
    assert await look_up("[::1]:8001") == ["[::1]:8001"]
    assert await look_up("localhost:8001") == ["127.0.0.1:8001"]
    with pytest.raises(socket.gaierror):
        await look_up("nowhere.invalid:8001")
