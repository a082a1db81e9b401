"""What has been charged against one limit: a counter per kind of window, all used alike.

An amount is entered when it is admitted, and its `place` says where it can be taken back. A counter knows no limit of
its own except to carry debt: whether an amount fits is asked by the ledger.
"""

from collections.abc import Iterator
from typing import Protocol

from pointsman.core.resources.policy import Period, WindowType
from pointsman.core.snapshot import Window
from router_svc.quota.windows import oldest_slot, period_bounds, rolling_slot, slot_ends, slot_given_back

UNKNOWN_WAIT = 1.0
"""Seconds after which to ask again where nobody knows when an answer under way ends."""


class Counter(Protocol):
    """Amounts charged within one window. Times are epoch seconds; a clock that steps back does no harm."""

    window: Window | None
    limit: int
    """What the window held when it was last charged; what is above it at the end of a calendar period is debt."""

    def used(self, now: float) -> int:
        """What counts now, amounts reserved included."""

    def enter(self, now: float, amount: int) -> int:
        """Charge an amount of at least 0; returns its place."""

    def take_back(self, now: float, place: int, amount: int) -> None:
        """Undo part of what was entered at a place, if it still counts."""

    def wait(self, now: float, wanted: int) -> float:
        """Seconds until `wanted` has been given back, or all where that is less; 0 where nothing is used."""

    def entries(self, now: float) -> Iterator[tuple[float, int]]:
        """What counts now, with the latest time at which it can have been entered; oldest first."""


class Rolling:
    """Amounts by slot of a rolling window. Only slots in use take memory, at most 65 of them."""

    __slots__ = ("_amounts", "_length", "_total", "limit", "window")

    def __init__(self, window: Window) -> None:
        self.window: Window | None = window
        self.limit = 0
        self._length = window.length
        self._amounts: dict[int, int] = {}  # oldest first
        self._total = 0

    def used(self, now: float) -> int:
        """See `Counter`."""
        oldest = oldest_slot(self._length, now)
        while self._amounts and (slot := next(iter(self._amounts))) < oldest:
            self._total -= self._amounts.pop(slot)
        return self._total

    def enter(self, now: float, amount: int) -> int:
        """See `Counter`."""
        slot = max(rolling_slot(self._length, now), next(reversed(self._amounts), 0))
        if amount:
            self._amounts[slot] = self._amounts.get(slot, 0) + amount
            self._total += amount
        return slot

    def take_back(self, now: float, place: int, amount: int) -> None:
        """See `Counter`."""
        self.used(now)
        entered = self._amounts.get(place, 0)
        taken = min(amount, entered)
        self._total -= taken
        if taken < entered:
            self._amounts[place] = entered - taken
        else:
            self._amounts.pop(place, None)

    def wait(self, now: float, wanted: int) -> float:
        """See `Counter`."""
        self.used(now)
        until = now
        for slot, amount in self._amounts.items():
            until = slot_given_back(self._length, slot)
            wanted -= amount
            if wanted <= 0:
                break
        return max(0.0, until - now)

    def entries(self, now: float) -> Iterator[tuple[float, int]]:
        """See `Counter`."""
        self.used(now)
        return iter([(min(now, slot_ends(self._length, slot)), amount) for slot, amount in self._amounts.items()])


class Calendar:
    """What was charged in the present calendar period, and the debt that it began with."""

    __slots__ = ("_debt", "_ends", "_period", "_starts", "_used", "_zone", "limit", "window")

    def __init__(self, window: Window, now: float) -> None:
        self.window: Window | None = window
        self.limit = 0
        self._period: Period = window.period or Period.DAY
        self._zone = window.time_zone
        self._starts, self._ends = period_bounds(self._period, self._zone, now)
        self._used = 0  # the debt included
        self._debt = 0

    def used(self, now: float) -> int:
        """See `Counter`. Each period that ends pays back one limit; what was used above it begins the next."""
        while now >= self._ends:
            self._used = self._debt = max(0, self._used - self.limit)
            coming = self._ends if self._used else now  # without debt the idle periods between need not be walked
            self._starts, self._ends = period_bounds(self._period, self._zone, coming)
        return self._used

    def enter(self, now: float, amount: int) -> int:
        """See `Counter`."""
        self.used(now)
        self._used += amount
        return int(self._starts)

    def take_back(self, now: float, place: int, amount: int) -> None:
        """See `Counter`. A reservation of the period before has, of this one, at most the debt to give back."""
        self.used(now)
        if place == int(self._starts):
            self._used -= min(amount, self._used)
        elif place == int(self._starts_before()):
            forgiven = min(amount, self._debt)
            self._debt -= forgiven
            self._used -= forgiven

    def wait(self, now: float, wanted: int) -> float:
        """See `Counter`. Never more than the end of the period, although a debt may last longer."""
        return self._ends - now if self.used(now) else 0.0

    def entries(self, now: float) -> Iterator[tuple[float, int]]:
        """See `Counter`."""
        used = self.used(now)
        return iter([(now, used)] if used else [])

    def _starts_before(self) -> float:
        return period_bounds(self._period, self._zone, self._starts - 1)[0]


class Concurrent:
    """What is under way: everything entered is taken back in the end."""

    __slots__ = ("_used", "limit", "window")

    def __init__(self) -> None:
        self.window: Window | None = None
        self.limit = 0
        self._used = 0

    def used(self, now: float) -> int:
        """See `Counter`."""
        return self._used

    def enter(self, now: float, amount: int) -> int:
        """See `Counter`."""
        self._used += amount
        return 0

    def take_back(self, now: float, place: int, amount: int) -> None:
        """See `Counter`."""
        self._used -= min(amount, self._used)

    def wait(self, now: float, wanted: int) -> float:
        """See `Counter`."""
        return UNKNOWN_WAIT if self._used else 0.0

    def entries(self, now: float) -> Iterator[tuple[float, int]]:
        """See `Counter`."""
        return iter([(now, self._used)] if self._used else [])


def counter_for(window: Window | None, now: float) -> Counter:
    """An empty counter for a window."""
    if window is None:
        return Concurrent()
    return Rolling(window) if window.type is WindowType.ROLLING else Calendar(window, now)


def moved(counter: Counter, window: Window | None, now: float) -> Counter:
    """A counter for another window that keeps what was used: a policy's edit gives nobody a fresh quota.

    Where the old counter does not know exactly when something was used, it counts as used as late as possible.
    """
    entries = list(counter.entries(now))
    successor = counter_for(window, entries[0][0] if entries else now)
    successor.limit = counter.limit
    for time, amount in entries:
        successor.enter(time, amount)
    return successor
