"""Active checks run for what asks for them, at their interval, and end with it."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping

import pytest

from pointsman.core.snapshot import Backend, HealthCheck
from router_svc.endpoints import HealthChecks
from router_svc.exchange import Endpoint

CHECK = HealthCheck(path="/health", interval=5.0)
ONE, TWO = Endpoint("10.0.0.1", 80), Endpoint("10.0.0.2", 80)


def backend(health: HealthCheck | None = CHECK) -> Mapping[str, Backend]:
    return {"ai/small": Backend(namespace="ai", name="small", model="m", health=health)}


class World:
    """The checks, with time, network and listener under the test's hand."""

    def __init__(self) -> None:
        self.sleeps: list[float] = []
        self.probed: list[tuple[Endpoint, str]] = []
        self.heard: list[tuple[str, Endpoint, bool]] = []
        self.well = True
        self._tick = asyncio.Event()
        self.checks = HealthChecks(self, self.probe, random.Random(1), self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        await self._tick.wait()

    async def probe(self, endpoint: Endpoint, path: str, limit: float) -> bool:
        self.probed.append((endpoint, path))
        return self.well

    def checked(self, backend_key: str, endpoint: Endpoint, *, ok: bool) -> None:
        self.heard.append((backend_key, endpoint, ok))

    async def settle(self) -> None:
        """Lets every task run until it sleeps."""
        for _ in range(5):
            await asyncio.sleep(0)

    async def tick(self) -> None:
        """Ends every sleep under way."""
        tick, self._tick = self._tick, asyncio.Event()
        tick.set()
        await self.settle()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.checks.aclose()


async def test_each_endpoint_is_checked_at_its_interval(world: World):
    world.checks.update({"ai/small": (ONE, TWO)}, backend())
    await world.settle()
    assert len(world.sleeps) == 2
    assert all(0 <= seconds <= 5 for seconds in world.sleeps)  # spread over the first interval
    await world.tick()
    assert sorted(world.probed, key=str) == [(ONE, "/health"), (TWO, "/health")]
    assert all(4.5 <= seconds <= 5.5 for seconds in world.sleeps[2:])
    world.well = False
    await world.tick()
    assert [ok for _, _, ok in world.heard] == [True, True, False, False]


async def test_without_a_check_nothing_is_probed(world: World):
    world.checks.update({"ai/small": (ONE,)}, backend(None))
    await world.settle()
    assert world.sleeps == []


async def test_the_same_check_is_not_started_again(world: World):
    for _ in range(3):
        world.checks.update({"ai/small": (ONE,)}, backend())
        await world.settle()
    assert len(world.sleeps) == 1


async def test_an_endpoint_whose_check_is_gone_counts_as_well(world: World):
    world.checks.update({"ai/small": (ONE,)}, backend())
    await world.settle()
    world.checks.update({"ai/small": (ONE,)}, backend(None))
    assert world.heard == [("ai/small", ONE, True)]
    await world.tick()
    assert world.probed == []


async def test_a_changed_check_replaces_the_old_one(world: World):
    world.checks.update({"ai/small": (ONE,)}, backend())
    await world.settle()
    world.checks.update({"ai/small": (ONE,)}, backend(HealthCheck(path="/ready", interval=1.0)))
    await world.settle()
    await world.tick()
    assert world.probed == [(ONE, "/ready")]
