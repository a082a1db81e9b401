"""The ledger beside a naive model that keeps every entry and sums them anew, under any interleaving.

What the model says of a rolling window is the truth (entries of the last `length` seconds, exactly); the ledger may
count what is up to one slot older, and nothing else.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from pointsman.core.quota import Charge, Scope, Unit, Usage
from pointsman.core.resources.policy import Period, WindowType
from pointsman.core.snapshot import Window
from router_svc.quota import Denied, Grant, MemoryLedger, share_of
from router_svc.quota.windows import SLOTS, period_bounds
from tests.support.clock import ManualClock

HOLD = 900.0
MINUTE = Window(type=WindowType.ROLLING, length=60.0)
FIVE_HOURS = Window(type=WindowType.ROLLING, length=18_000.0)
DAY = Window(type=WindowType.CALENDAR, period=Period.DAY, time_zone="Europe/Berlin")

LIMITS: dict[str, tuple[Unit, int, Window | None]] = {
    "requests": (Unit.REQUESTS, 7, MINUTE),
    "tokens": (Unit.TOKENS, 100, MINUTE),
    "tokens-5h": (Unit.TOKENS, 300, FIVE_HOURS),
    "cost-day": (Unit.COST, 200, DAY),
    "concurrency": (Unit.CONCURRENCY, 3, None),
}


def run(coroutine: Any) -> Any:
    """Drive a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the ledger waited for something")


@dataclass
class Entry:
    """One amount, since when it counts."""

    time: float
    amount: int


@dataclass
class Model:
    """Every entry ever made, by key."""

    entries: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))

    def used(self, key: str, limit: int, now: float, late: float = 0.0) -> int:
        """What counts now; `late` is the share of its length by which a rolling window may lag."""
        window = LIMITS[key][2]
        if window is None:
            return sum(entry.amount for entry in self.entries[key])
        if window.type is WindowType.ROLLING:
            since = now - window.length * (1 + late)
            return sum(entry.amount for entry in self.entries[key] if entry.time > since)
        return self._calendar(key, limit, now)

    def _calendar(self, key: str, limit: int, now: float) -> int:
        if not self.entries[key]:
            return 0
        used, (start, end) = 0, bounds(self.entries[key][0].time)
        while True:
            used += sum(entry.amount for entry in self.entries[key] if start <= entry.time < end)
            if now < end:
                return used
            used = max(0, used - limit)
            start, end = bounds(end)


def bounds(now: float) -> tuple[float, float]:
    return period_bounds(Period.DAY, "Europe/Berlin", now)


class LedgerMachine(RuleBasedStateMachine):
    """Admissions, settlements, cancellations, crashes and time in any order."""

    grants = Bundle("grants")

    @initialize(routers=st.sampled_from([1, 1, 2, 3]), start=st.integers(0, 86_400))
    def begin(self, routers: int, start: int) -> None:
        self.clock = ManualClock(1_774_650_000.0 + start)  # about the day in March on which Berlin's clocks change
        self.routers = routers
        self.ledger = MemoryLedger(self.clock, lambda: routers, hold=HOLD)
        self.model = Model()
        self.open: dict[int, list[tuple[Charge, Entry]]] = {}
        self.spent: dict[str, int] = defaultdict(int)

    def limit(self, key: str) -> int:
        return share_of(LIMITS[key][1], self.routers)

    def charge(self, key: str, amount: int) -> Charge:
        unit, limit, window = LIMITS[key]
        amount = 1 if unit in (Unit.REQUESTS, Unit.CONCURRENCY) else amount
        return Charge(key, Scope.SUBJECT, key, unit, amount, limit, window)

    @rule(
        target=grants,
        wanted=st.lists(st.tuples(st.sampled_from(sorted(LIMITS)), st.integers(0, 60)), min_size=1, max_size=5),
    )
    def admit(self, wanted: list[tuple[str, int]]) -> Any:
        charges = tuple(self.charge(key, amount) for key, amount in wanted)
        now = self.clock()
        before = self._balances()
        outcome = run(self.ledger.admit(charges))
        if isinstance(outcome, Denied):
            assert self._balances() == before  # all or nothing
            self._denied_for_a_reason(outcome, charges, now)
            return multiple()
        made = [(charge, Entry(now, charge.amount)) for charge in charges]
        for charge, entry in made:
            self.model.entries[charge.key].append(entry)
        for charge in charges:
            assert self.model.used(charge.key, self.limit(charge.key), now) <= self.limit(charge.key)
        self.open[outcome.id] = made
        return outcome

    def _denied_for_a_reason(self, denied: Denied, charges: tuple[Charge, ...], now: float) -> None:
        """The first charge that does not fit, counting the same admission's charges before it."""
        at = next(index for index, charge in enumerate(charges) if charge is denied.charge)
        same = sum(charge.amount for charge in charges[: at + 1] if charge.key == denied.charge.key)
        limit = self.limit(denied.charge.key)
        assert self.model.used(denied.charge.key, limit, now, late=1 / SLOTS) + same > limit
        assert denied.balance.resets_after >= 0

    def _expire(self) -> None:
        now = self.clock()
        for grant, made in list(self.open.items()):
            if made[0][1].time + HOLD <= now:
                for charge, entry in made:
                    if charge.unit is Unit.CONCURRENCY:
                        entry.amount = 0
                del self.open[grant]

    @rule(grant=grants, tokens=st.integers(0, 200), cost=st.integers(0, 500))
    def settle(self, grant: Grant, tokens: int, cost: int) -> None:
        """Grants are not consumed: many are settled twice, or after they were cancelled."""
        run(self.ledger.settle(grant, Usage(prompt_tokens=tokens // 2, completion_tokens=tokens - tokens // 2), cost))
        actual = {Unit.REQUESTS: 1, Unit.TOKENS: tokens, Unit.COST: cost, Unit.CONCURRENCY: 0}
        self._close(grant, actual)

    @rule(grant=consumes(grants))
    def cancel(self, grant: Grant) -> None:
        run(self.ledger.cancel(grant))
        self._close(grant, dict.fromkeys(Unit, 0))

    def _close(self, grant: Grant, actual: dict[Unit, int]) -> None:
        now = self.clock()
        for charge, entry in self.open.pop(grant.id, []):
            excess = actual[charge.unit] - charge.amount
            if excess > 0:
                self.model.entries[charge.key].append(Entry(now, excess))
            elif self._correctable(charge, entry, now):
                entry.amount += excess

    def _correctable(self, charge: Charge, entry: Entry, now: float) -> bool:
        """A calendar period's entries are closed once the period after it has ended."""
        return charge.window is not DAY or bounds(bounds(entry.time)[1])[1] > now

    @rule(seconds=st.one_of(st.sampled_from([0.25, 1.0, 60.0, 60.9375, 900.0]), st.integers(0, 30_000)))
    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self._expire()

    def _balances(self) -> dict[str, int]:
        charges = tuple(self.charge(key, 1) for key in LIMITS)
        return {key: balance.remaining for key, balance in run(self.ledger.balances(charges)).items()}

    @invariant()
    def nothing_is_lost_or_invented(self) -> None:
        now = self.clock()
        for key, remaining in self._balances().items():
            limit = self.limit(key)
            used = limit - remaining
            assert self.model.used(key, limit, now) <= used <= self.model.used(key, limit, now, late=1 / SLOTS)

    @invariant()
    def only_counters_in_use_are_kept(self) -> None:
        assert len(self.ledger) <= len(LIMITS)


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


async def test_thousands_of_tasks_never_pass_a_limit():
    """Tasks interleave at every await; time moves under them; some die without settling."""
    clock = ManualClock()
    ledger = MemoryLedger(clock, hold=HOLD)
    tokens = Charge("tokens", Scope.SUBJECT, "tokens", Unit.TOKENS, 10, 5_000, MINUTE)
    slots = Charge("slots", Scope.BACKEND, "slots", Unit.CONCURRENCY, 1, 64, None)
    under_way, most, outcomes = 0, 0, {"granted": 0, "denied": 0}
    entered: list[tuple[float, int]] = []

    async def one(number: int) -> None:
        nonlocal under_way, most
        for _ in range(number % 7):
            await asyncio.sleep(0)
        grant = await ledger.admit((tokens, slots))
        if isinstance(grant, Denied):
            outcomes["denied"] += 1
            return
        outcomes["granted"] += 1
        entered.append((clock(), 10))
        assert sum(amount for time, amount in entered if time > clock() - 60.0) <= 5_000
        under_way += 1
        most = max(most, under_way)
        for _ in range(number % 5):
            await asyncio.sleep(0)
        clock.now += 0.03125
        under_way -= 1
        if number % 11 == 0:
            await ledger.cancel(grant)
            entered.remove((grant.admitted_at, 10))
        else:
            await ledger.settle(grant, Usage(prompt_tokens=10), 0)

    await asyncio.gather(*(one(number) for number in range(5_000)))
    balances = await ledger.balances((tokens, slots))
    assert most <= 64
    assert outcomes["granted"] > 64
    assert outcomes["denied"] > 0
    assert balances["slots"].remaining == 64
    clock.now += 61.0
    assert (await ledger.balances((tokens,)))["tokens"].remaining == 5_000
