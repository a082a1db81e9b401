"""Half an hour without anybody, with the waiting left out: every try is a real one, only no time passes between them.

What half an hour could break is what adds up: tries that come too often, connections and tasks that are left over, a
wait that never ends. The minutes themselves are `make chaos`.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pointsman_operator import lease as leases
from pointsman_operator.api import Api, ApiError, ApiUnreachable
from pointsman_operator.lease import Lease
from pointsman_operator.publisher import Publisher
from pointsman_operator.stream import server

from router_svc.source.stream.client import LONGEST_WAIT
from tests.control_plane.streams import Following, Leadership, Router, backend, policy, programmed, until, world
from tests.support.ports import free_port

HALF_AN_HOUR = 1800.0
SMALL = world(backend("a", "10.0.0.1"), policy("chat", "a"))
LARGER = world(backend("a", "10.0.0.1"), backend("b", "10.0.0.2"), policy("chat", "a", "b"))


class Waiting:
    """A clock that only its own sleeps move."""

    def __init__(self) -> None:
        self.now, self.waits = 0.0, list[float]()

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.waits.append(seconds)
        await asyncio.sleep(0)


class Silent(Api):
    """An API server that keeps one Lease, and answers only while it is told to."""

    def __init__(self) -> None:
        super().__init__(lambda: None)
        self.silent = False
        self.slow: Callable[[], None] | None = None
        """What happens while it keeps the next caller waiting."""
        self._lease: Any = None

    async def call(self, method: str, path: str, *, body: Mapping[str, Any] | None = None, **_: Any) -> Any:
        if self.silent:
            raise ApiUnreachable("silent")
        if slow := self.slow:
            slow()
            self.slow = None
        if method == "GET" and self._lease is None:
            raise ApiError(404, "no such lease")
        self._lease = self._lease if body is None else body
        return self._lease


@asynccontextmanager
async def looking(lease: Lease, api: Api) -> AsyncIterator[None]:
    """While a replica wants the lease."""
    task = asyncio.create_task(lease.forever())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await api.close()


def descriptors() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("leaderless", [False, True], ids=["nobody listens", "a replica without a leader"])
async def test_a_router_asks_for_half_an_hour(tmp_path: Path, leaderless: bool) -> None:
    waiting, address = Waiting(), f"127.0.0.1:{free_port()}"
    leadership = Leadership(epoch=1)
    publisher = Publisher(leadership)
    publisher.publish(SMALL)
    async with AsyncExitStack() as stack:
        first, _ = await server.start(address, publisher, lambda: "", None)
        router = Router("ai/router", address, tmp_path, sleep=waiting.sleep)
        await stack.enter_async_context(Following(router))
        await until(lambda: programmed(publisher, SMALL) == ["ai/router"])
        if leaderless:
            leadership.leading = False
            publisher.settle()
        else:
            await first.stop(0)
        waiting.waits.clear()
        started, open_before, tasks = waiting.now, descriptors(), len(asyncio.all_tasks())
        await until(lambda: waiting.now > started + HALF_AN_HOUR, seconds=60)
        assert max(waiting.waits) <= LONGEST_WAIT
        assert len(waiting.waits) < 400  # it does not hammer
        await until(lambda: descriptors() < open_before + 10)  # closed connections linger a moment
        await until(lambda: len(asyncio.all_tasks()) < tasks + 5)
        assert "no leader" in router.client.trouble if leaderless else "does not answer" in router.client.trouble
        assert router.version == SMALL.wire.version

        if leaderless:
            await first.stop(0)
        again = Publisher(Leadership(epoch=2))
        again.publish(LARGER)
        second, _ = await server.start(address, again, lambda: "", None)
        stack.push_async_callback(second.stop, 0)
        await until(lambda: programmed(again, LARGER) == ["ai/router"])
        assert router.client.position == (2, 1)
        assert router.client.trouble == ""


async def test_a_leader_without_the_api_server_ends_its_leadership_in_time_and_says_so() -> None:
    """The loss shows although it comes between two looks."""
    waiting, told = Waiting(), list[tuple[float, bool]]()
    api = Silent()

    def changed() -> None:
        told.append((waiting.now, lease.leading))

    lease = Lease(api, "ai", "lease", "me", "here:1", changed, waiting.clock, waiting.sleep)
    async with looking(lease, api):
        await until(lambda: told)
        assert told[0][1]
        api.silent = True
        lost = waiting.now
        await until(lambda: waiting.now > lost + HALF_AN_HOUR)
        assert len(told) == 2
        at, leading = told[1]
        assert not leading
        assert at - lost < leases.DURATION
        assert lease.leader == ""  # nobody is sent here
        api.silent = False
        await until(lambda: len(told) == 3)
        assert lease.leading


async def test_what_changed_while_a_late_renewal_was_under_way_reaches_the_routers() -> None:
    """Leadership ends by itself while the API server is slow, and the same look wins it again."""
    waiting, api = Waiting(), Silent()

    def settled() -> None:
        publisher.settle()

    lease = Lease(api, "ai", "lease", "me", "here:1", settled, waiting.clock, waiting.sleep)
    publisher = Publisher(lease)
    async with looking(lease, api):
        publisher.publish(SMALL)
        await until(lambda: publisher.published)
        api.slow = lambda: _pass(waiting, leases.DURATION - leases.MARGIN - 0.5, publisher)
        await until(lambda: api.slow is None and lease.leading)
        await until(lambda: publisher.published and publisher.published.position.sequence == 2)
        assert publisher.published is not None
        assert publisher.published.content.wire == LARGER.wire


def _pass(waiting: Waiting, seconds: float, publisher: Publisher) -> None:
    """Time passes, and then somebody applies a policy."""
    waiting.now += seconds
    publisher.publish(LARGER)
    assert publisher.published is None  # it does not lead at this moment
