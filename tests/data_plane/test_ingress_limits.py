"""How much is taken on at once."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.errors import Overloaded
from router_svc.limits import Gate

LONG = 60.0


class Visitor:
    """One request that stays until told to leave."""

    def __init__(self, gate: Gate) -> None:
        self.inside, self._leave = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._visit(gate))

    async def _visit(self, gate: Gate) -> None:
        async with gate.slot():
            self.inside.set()
            await self._leave.wait()

    async def leave(self) -> None:
        self._leave.set()
        await self.task


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_place_is_handed_to_whoever_waited_longest() -> None:
    gate = Gate(1, 2, LONG)
    first, second, third = Visitor(gate), Visitor(gate), Visitor(gate)
    await settle()
    assert (gate.in_flight, gate.queued) == (1, 2)
    await first.leave()
    await settle()
    assert second.inside.is_set()
    assert not third.inside.is_set()
    await second.leave()
    await third.leave()
    assert (gate.in_flight, gate.queued) == (0, 0)


async def test_beyond_the_queue_is_refused_at_once() -> None:
    gate = Gate(1, 1, LONG, retry_after=2.0)
    inside, waiting = Visitor(gate), Visitor(gate)
    await settle()
    with pytest.raises(Overloaded) as caught:
        async with gate.slot():
            pass
    assert (caught.value.code, caught.value.retry_after) == ("router_overloaded", 2.0)
    assert gate.refused == 1
    await inside.leave()
    await waiting.leave()


async def test_waiting_ends() -> None:
    gate = Gate(1, 1, max_wait=0.0)
    inside, waiting = Visitor(gate), Visitor(gate)
    with pytest.raises(Overloaded):
        await waiting.task
    assert gate.queued == 0
    await inside.leave()
    assert gate.in_flight == 0


async def test_who_leaves_while_waiting_takes_no_place() -> None:
    gate = Gate(1, 2, LONG)
    inside, gone, waiting = Visitor(gate), Visitor(gate), Visitor(gate)
    await settle()
    gone.task.cancel()
    await settle()
    await inside.leave()
    await settle()
    assert waiting.inside.is_set()
    await waiting.leave()
    assert gate.in_flight == 0


async def test_a_place_given_to_who_just_left_goes_on() -> None:
    gate = Gate(1, 2, LONG)
    inside, gone, waiting = Visitor(gate), Visitor(gate), Visitor(gate)
    await settle()
    inside._leave.set()
    await asyncio.sleep(0)  # the place is promised to `gone`, which has not run yet
    gone.task.cancel()
    await settle()
    assert waiting.inside.is_set()
    await waiting.leave()
    assert gate.in_flight == 0


STEPS = st.sampled_from(["enter", "leave", "cancel", "tick"])


@given(st.lists(STEPS, max_size=40), st.integers(1, 3), st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_no_place_is_lost_or_made(steps: list[str], places: int, queue: int) -> None:
    async def run() -> None:
        gate = Gate(places, queue, LONG)
        visitors: list[Visitor] = []
        for number, step in enumerate(steps):
            if step == "enter":
                visitors.append(Visitor(gate))
            elif step == "leave" and visitors:
                visitors[number % len(visitors)]._leave.set()
            elif step == "cancel" and visitors:
                visitors[number % len(visitors)].task.cancel()
            else:
                await asyncio.sleep(0)
            assert 0 <= gate.in_flight <= places
            assert gate.queued <= queue
        for visitor in visitors:
            visitor._leave.set()
        await asyncio.gather(*(visitor.task for visitor in visitors), return_exceptions=True)
        assert (gate.in_flight, gate.queued) == (0, 0)

    asyncio.run(run())
