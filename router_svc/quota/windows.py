"""The arithmetic of windows: pure functions of a window and a time (epoch seconds).

A rolling window of length L is divided into 64 slots. What is entered at time t is given back with its whole slot, at
the earliest after L and at the latest after L + L/64 (5 h: at most 4 min 42 s late). So no true window of length L ever
holds more than the limit; the price is up to a 64th of the time waited for nothing. 64, because a division by a power
of two is exact in binary: the promise holds to the last bit, without a tolerance.

A calendar window starts with the local day, the Monday or the first of the month of an IANA zone, and is as long as the
zone's clocks make it: a day has 23 to 25 hours when they change.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pointsman.core.resources.policy import Period

SLOTS = 64
"""Slots of a rolling window. One more is kept: the oldest is partly outside, and still counts as a whole."""


def rolling_slot(length: float, now: float) -> int:
    """Index of the slot that `now` is in; slots of equal length (seconds) are numbered from the epoch."""
    return int(now // (length / SLOTS))  # //, not int(/): the quotient must not be rounded up to the next slot


def oldest_slot(length: float, now: float) -> int:
    """Index of the oldest slot that still counts at `now`."""
    return rolling_slot(length, now) - SLOTS


def slot_ends(length: float, slot: int) -> float:
    """When a slot takes no more entries."""
    return (slot + 1) * (length / SLOTS)


def slot_given_back(length: float, slot: int) -> float:
    """When what was entered in a slot is given back."""
    return slot_ends(length, slot) + length


def period_bounds(period: Period, time_zone: str, now: float) -> tuple[float, float]:
    """Start and end of the calendar period that `now` is in: start <= now < end.

    A midnight that the clocks skip is the moment they skip it; one that they repeat counts the first time, so that
    periods follow each other without a gap or an overlap.
    """
    zone = ZoneInfo(time_zone)
    first = _first_day(period, datetime.fromtimestamp(now, zone).date())
    following = _next_first_day(period, first)
    if now >= _midnight(following, zone):  # clocks went back over midnight: the new day has begun all the same
        first, following = following, _next_first_day(period, following)
    return _midnight(first, zone), _midnight(following, zone)


def _first_day(period: Period, day: date) -> date:
    match period:
        case Period.DAY:
            return day
        case Period.WEEK:
            return day - timedelta(days=day.weekday())
        case Period.MONTH:
            return day.replace(day=1)


def _next_first_day(period: Period, first: date) -> date:
    match period:
        case Period.DAY:
            return first + timedelta(days=1)
        case Period.WEEK:
            return first + timedelta(days=7)
        case Period.MONTH:
            return (first + timedelta(days=31)).replace(day=1)


def _midnight(day: date, zone: ZoneInfo) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
