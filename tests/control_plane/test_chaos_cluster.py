"""Kills at random, under steady traffic: no request fails, no router steps back, and everything converges.

POINTSMAN_CHAOS_SECONDS is how long it goes on, POINTSMAN_SEED repeats a run's choices. `make chaos` gives minutes.
"""

import asyncio
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.control_plane.line import Line, never_back, policy
from tests.control_plane.load import Load
from tests.support.waiting import eventually

SECONDS = float(os.environ.get("POINTSMAN_CHAOS_SECONDS", "15"))
SEED = int(os.environ.get("POINTSMAN_SEED") or random.randrange(10**6))
RATE = 20.0
ROUTERS = 3


class Chaos:
    """What can be done to a line, and how long it then takes until all is as it should be."""

    def __init__(self, line: Line, plane: ControlPlane, chance: random.Random) -> None:
        self._line, self._plane, self._chance = line, plane, chance
        self.done: Counter[str] = Counter()
        self.took: dict[str, list[float]] = defaultdict(list)
        self._edits = 0

    async def something(self) -> None:
        """One blow, then an edit while it lasts or after it; then convergence is waited for."""
        blows = (self.operator, self.both_operators, self.api_server, self.etcd, self.router, self.drained_router)
        blow: Callable[[], Awaitable[None]] = self._chance.choice(blows)
        name = blow.__name__.replace("_", " ")
        await blow()
        await asyncio.to_thread(self.edit)
        started = time.monotonic()
        await asyncio.to_thread(self._line.wait_converged)
        await asyncio.to_thread(self._line.look)
        self.done[name] += 1
        self.took[name].append(time.monotonic() - started)

    async def operator(self) -> None:
        await self._kill_operators(self._chance.randrange(2))

    async def both_operators(self) -> None:
        await self._kill_operators(0, 1)

    async def _kill_operators(self, *numbers: int) -> None:
        for number in numbers:
            self._line.operators[number].kill()
        await self._linger()
        for number in numbers:
            self._line.start_operator(number)

    async def api_server(self) -> None:
        await asyncio.to_thread(self._plane.stop_api_server)
        await self._linger()
        await asyncio.to_thread(self._plane.start_api_server)

    async def etcd(self) -> None:
        await asyncio.to_thread(self._plane.stop_etcd)
        await self._linger()
        await asyncio.to_thread(self._plane.start_etcd)
        await asyncio.to_thread(eventually, self._api_answers, "the API server", 60)

    def _api_answers(self) -> bool:
        """It ends itself when it cannot reach etcd for long: then it is started again, as kubelet would."""
        if not self._plane.api_server_runs():
            self._plane.start_api_server()
        return self._line.access.run("kubectl", "get", "--raw", "/readyz", check=False).returncode == 0

    async def router(self) -> None:
        number = self._chance.randrange(ROUTERS)
        self._line.routers[number].kill()
        await self._linger()
        await asyncio.to_thread(self._line.start_router(number).wait_ready)

    async def drained_router(self) -> None:
        number = self._chance.randrange(ROUTERS)
        await asyncio.to_thread(self._line.routers[number].stop)
        await asyncio.to_thread(self._line.start_router(number).wait_ready)

    def edit(self) -> None:
        """Another policy, so that there is something to converge to."""
        self._edits += 1
        order = ("small", "large") if self._edits % 2 else ("large", "small")
        self._line.apply(policy("auto", *order, models=("auto", f"edit-{self._edits}")))

    async def _linger(self) -> None:
        await asyncio.sleep(self._chance.uniform(0.2, 4))


@pytest.fixture
async def line(own_with_crds: ControlPlane, reachable: str, tmp_path: Path) -> AsyncIterator[Line]:
    """Two replicas of the operator, three routers, two model servers."""
    line = Line(own_with_crds.access, tmp_path, reachable)
    try:
        yield line
    finally:
        line.stop()


async def test_killed_at_random_under_load(line: Line, own_with_crds: ControlPlane) -> None:
    print(f"\nchaos: POINTSMAN_SEED={SEED}, {SECONDS:g} s, {RATE:g} requests/s to {ROUTERS} routers")
    await asyncio.to_thread(line.bring_up, ROUTERS)
    chaos = Chaos(line, own_with_crds, random.Random(SEED))
    end = time.monotonic() + SECONDS
    async with Load(line.ready_ports, RATE) as load:
        while time.monotonic() < end:
            await chaos.something()
        tally = load.tally
    for name, times in sorted(chaos.took.items()):
        median = sorted(times)[len(times) // 2]
        print(f"  {chaos.done[name]:3} x {name}: converged within {max(times):.1f} s, median {median:.1f} s")
    print(f"  {tally}")
    assert tally.errors == {}, f"POINTSMAN_SEED={SEED}"
    assert tally.answered > 0
    assert all(never_back(positions) for positions in line.positions.values()), f"POINTSMAN_SEED={SEED}"
