"""Rolling and calendar windows: exact promises, odd calendars."""

from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.resources.policy import Period
from router_svc.quota.windows import SLOTS, oldest_slot, period_bounds, rolling_slot, slot_ends, slot_given_back

# UTC and whole hours are dull: half hours, midnight changes, skipped days, and changes that repeat a midnight.
ZONES = [
    "UTC",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Asia/Beirut",
    "America/Sao_Paulo",
    "America/Havana",
    "America/St_Johns",
    "America/Goose_Bay",
    "Pacific/Apia",
    "Africa/Casablanca",
]
times = st.floats(0, 4e9, allow_nan=False)
lengths = st.one_of(st.sampled_from([1.0, 60.0, 18_000.0, 86_400.0]), st.floats(0.001, 1e7, allow_nan=False))


@given(length=lengths, entered=times, gap=st.floats(0, 2))
def test_rolling_gives_back_after_the_length_and_at_most_a_slot_later(length: float, entered: float, gap: float):
    now = entered + gap * length
    counts = rolling_slot(length, entered) >= oldest_slot(length, now)
    age = Fraction(now) - Fraction(entered)  # exact: no tolerance hides an early gift
    if age <= Fraction(length):
        assert counts
    if age > Fraction(length) * (SLOTS + 1) / SLOTS:
        assert not counts


@given(length=lengths, entered=times)
def test_rolling_slot_boundaries(length: float, entered: float):
    slot = rolling_slot(length, entered)
    assert (
        Fraction(slot) * Fraction(length / SLOTS) <= Fraction(entered) < Fraction(slot + 1) * Fraction(length / SLOTS)
    )
    given_back = slot_given_back(length, slot)
    assert given_back == pytest.approx(slot_ends(length, slot) + length)
    assert slot < oldest_slot(length, given_back * (1 + 1e-12) + length / SLOTS / 2)


@settings(max_examples=400)
@given(period=st.sampled_from(Period), zone=st.sampled_from(ZONES), now=times)
def test_calendar_periods_contain_their_time_and_follow_each_other(period: Period, zone: str, now: float):
    start, end = period_bounds(period, zone, now)
    assert start <= now < end
    assert period_bounds(period, zone, start) == (start, end)
    assert period_bounds(period, zone, end)[0] == end
    assert period_bounds(period, zone, start - 1)[1] == start


@pytest.mark.parametrize("zone", ZONES)
def test_sixty_years_of_days_follow_each_other(zone: str):
    bounds = {period_bounds(Period.DAY, zone, day * 86_400.0 + 1_800) for day in range(60 * 365)}
    ordered = sorted(bounds)
    assert all(before[1] == after[0] for before, after in pairwise(ordered))
    assert all(22 <= (end - start) / 3600 <= 26 for start, end in ordered)  # St. John's once went two hours forward


def at(zone: str, *parts: int) -> float:
    return datetime(*parts, tzinfo=ZoneInfo(zone)).timestamp()  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("period", "now", "start", "end"),
    [
        (Period.DAY, (2026, 10, 7, 23, 59), (2026, 10, 7), (2026, 10, 8)),
        (Period.DAY, (2026, 10, 8), (2026, 10, 8), (2026, 10, 9)),
        (Period.WEEK, (2026, 10, 5), (2026, 10, 5), (2026, 10, 12)),  # a Monday
        (Period.WEEK, (2026, 10, 4, 23, 59), (2026, 9, 28), (2026, 10, 5)),  # a Sunday
        (Period.MONTH, (2028, 2, 29, 12), (2028, 2, 1), (2028, 3, 1)),
        (Period.MONTH, (2026, 12, 31, 23), (2026, 12, 1), (2027, 1, 1)),
    ],
)
def test_calendar_by_example(
    period: Period, now: tuple[int, ...], start: tuple[int, int, int], end: tuple[int, int, int]
):
    zone = "Europe/Berlin"
    assert period_bounds(period, zone, at(zone, *now)) == (at(zone, *start), at(zone, *end))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", (2026, 3, 29), 23),
        ("Europe/Berlin", (2026, 10, 25), 25),
        ("America/Havana", (2026, 3, 8), 23),  # midnight is skipped
        ("America/Havana", (2026, 11, 1), 25),  # midnight comes twice
        ("Australia/Lord_Howe", (2026, 4, 5), 24.5),
    ],
)
def test_days_are_as_long_as_the_clocks_make_them(zone: str, day: tuple[int, int, int], hours: float):
    noon = at(zone, *day, 12)
    start, end = period_bounds(Period.DAY, zone, noon)
    assert (end - start) / 3600 == hours


def test_a_day_that_a_zone_skipped_belongs_to_no_window():
    noon_before = at("Pacific/Apia", 2011, 12, 29, 12)
    _, end = period_bounds(Period.DAY, "Pacific/Apia", noon_before)
    start, _ = period_bounds(Period.DAY, "Pacific/Apia", end)
    assert datetime.fromtimestamp(end, ZoneInfo("Pacific/Apia")).day == 31
    assert start == end == datetime(2011, 12, 30, 10, tzinfo=UTC).timestamp()


def test_a_day_that_has_begun_stays_begun_when_clocks_go_back_over_midnight():
    """One minute after midnight St. John's went back to 23:01."""
    midnight = datetime(2006, 10, 29, 2, 30, tzinfo=UTC).timestamp()
    for minutes in (0, 1, 30, 61, 90):
        start, end = period_bounds(Period.DAY, "America/St_Johns", midnight + minutes * 60)
        assert (start, end - start) == (midnight, 25 * 3600)
