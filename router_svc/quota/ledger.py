"""Quota in this process's memory: what is admitted, reserved and settled (docs/decisions/quota-windows.md).

An amount counts from its admission. Settlement replaces the reserved amount by the real one: what was reserved too much
is taken back from where it was entered, and what was used beyond it is entered now, whatever the limit says; the
balance may so fall below 0, and nothing is admitted until it has recovered.

A grant that nobody settles (its task died) expires after `hold` seconds: its concurrency is given back, and what it
reserved in a window stays counted as used, since the model may well have done the work.

With N ready routers each enforces 1/N of every limit (see `share_of`). Nothing here can fail or wait. A ledger belongs
to one event loop: no method yields between reading a counter and writing it, which is what makes `admit` atomic.
"""

from collections import deque
from collections.abc import Callable, Mapping
from itertools import count

from pointsman.core.quota import Balance, Charge, Scope, Unit, Usage
from router_svc.exchange import Denied, Grant
from router_svc.quota.counters import Counter, counter_for, moved


def share_of(limit: int, routers: int) -> int:
    """What one of several ready routers may admit of a limit.

    Rounded down, so that all together never exceed the limit. A limit below the number of routers admits nothing
    without a shared store: too little is the safe side of a limit.
    """
    return limit // max(1, routers)


class MemoryLedger:
    """Counters by key, and the grants that are still open."""

    def __init__(
        self, clock: Callable[[], float], share: Callable[[], int] = lambda: 1, *, hold: float = 3600.0
    ) -> None:
        """`clock` gives epoch seconds, `share` the number of ready routers; a grant stays open for `hold` seconds."""
        self._clock = clock
        self._share = share
        self._hold = hold
        self._ids = count(1)
        self._counters: dict[str, Counter] = {}
        self._to_visit: deque[str] = deque()  # every counter's key, once
        self._open: dict[int, tuple[Grant, tuple[int, ...]]] = {}  # with the place of each charge; oldest first
        self._next_expiry = 0.0

    def __len__(self) -> int:
        """Counters in memory."""
        return len(self._counters)

    async def admit(self, charges: tuple[Charge, ...]) -> Grant | Denied:
        """Set all amounts aside, or none: each must fit, used + reserved + amount <= limit."""
        now = self._now()
        self._drop_empty(now, visits=len(charges) + 1)  # more than may be added: what is empty goes sooner or later
        routers = self._share()
        places: list[int] = []
        for charge in charges:
            counter = self._counter(charge, now)
            counter.limit = share_of(charge.limit, routers)
            left = counter.limit - counter.used(now)
            if charge.amount > left:
                self._undo(charges, places, now)
                return Denied(charge, Balance(left, counter.wait(now, charge.amount - left)))
            places.append(counter.enter(now, charge.amount))
        grant = Grant(next(self._ids), charges, now)
        self._open[grant.id] = (grant, tuple(places))
        return grant

    async def settle(self, grant: Grant, usage: Usage, cost: int, *, answered: bool = True) -> None:
        """Replace what was reserved by what was used; `cost` is in picos. Only the first call for a grant counts.

        An attempt that was not `answered` was a request to its backend, but not yet one of its subject.
        """
        actual = {Unit.REQUESTS: 1, Unit.TOKENS: usage.total_tokens, Unit.COST: cost, Unit.CONCURRENCY: 0}

        def amount(charge: Charge) -> int:
            unanswered = charge.unit is Unit.REQUESTS and charge.scope is Scope.SUBJECT and not answered
            return 0 if unanswered else actual[charge.unit]

        self._close(grant, amount)

    async def cancel(self, grant: Grant) -> None:
        """Give everything back: nothing was sent to a backend. No effect on a grant that is settled."""
        self._close(grant, lambda charge: 0)

    async def balances(self, charges: tuple[Charge, ...]) -> Mapping[str, Balance]:
        """What is left for each charge's key, and when the charge would fit; reserves nothing."""
        now = self._now()
        routers = self._share()
        return {charge.key: self._balance(charge, share_of(charge.limit, routers), now) for charge in charges}

    def _balance(self, charge: Charge, limit: int, now: float) -> Balance:
        counter = self._counters.get(charge.key)
        if counter is None:
            return Balance(limit, 0.0)
        left = limit - counter.used(now)
        return Balance(left, counter.wait(now, max(charge.amount - left, 1)))

    def _counter(self, charge: Charge, now: float) -> Counter:
        counter = self._counters.get(charge.key)
        if counter is None:
            counter = self._counters[charge.key] = counter_for(charge.window, now)
            self._to_visit.append(charge.key)
        elif counter.window != charge.window:
            counter = self._counters[charge.key] = moved(counter, charge.window, now)
        return counter

    def _close(self, grant: Grant, actual: Callable[[Charge], int]) -> None:
        """Correct each charge of an open grant to its actual amount."""
        now = self._now()
        _, places = self._open.pop(grant.id, (None, None))
        if places is None:
            return
        for charge, place in zip(grant.charges, places, strict=True):
            self._correct(charge, place, actual(charge) - charge.amount, now)

    def _correct(self, charge: Charge, place: int, difference: int, now: float) -> None:
        counter = self._counters.get(charge.key)
        if difference > 0:
            if counter is None:  # what was reserved has aged out since
                counter = self._counter(charge, now)
                counter.limit = share_of(charge.limit, self._share())
            counter.enter(now, difference)
        elif difference < 0 and counter is not None:
            counter.take_back(now, place, -difference)

    def _undo(self, charges: tuple[Charge, ...], places: list[int], now: float) -> None:
        """Take back the charges entered so far."""
        for charge, place in zip(charges, places, strict=False):
            self._counters[charge.key].take_back(now, place, charge.amount)

    def _now(self) -> float:
        """The time, with every grant closed that was left open for too long until then."""
        now = self._clock()
        if now >= self._next_expiry:  # only when the oldest known one may be due, so that most calls pay a comparison
            self._expire_grants(now)
        return now

    def _expire_grants(self, now: float) -> None:
        self._next_expiry = now + self._hold
        for grant, places in list(self._open.values()):
            if now < grant.admitted_at + self._hold:
                self._next_expiry = grant.admitted_at + self._hold
                return
            del self._open[grant.id]
            for charge, place in zip(grant.charges, places, strict=True):
                if charge.unit is Unit.CONCURRENCY:
                    self._correct(charge, place, -charge.amount, now)

    def _drop_empty(self, now: float, visits: int) -> None:
        """Visit some counters in turn and forget those that count nothing, so that a scan never stops the loop."""
        for _ in range(min(visits, len(self._to_visit))):
            key = self._to_visit.popleft()
            if self._counters[key].used(now):
                self._to_visit.append(key)
            else:
                del self._counters[key]
