"""What the ledger does, by example."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.quota import Charge, Scope, Unit, Usage
from pointsman.core.resources.policy import Period, WindowType
from pointsman.core.snapshot import Window
from router_svc.quota import Denied, Grant, MemoryLedger, share_of
from tests.support.clock import ManualClock

HOUR = Window(type=WindowType.ROLLING, length=3600.0)
BERLIN_DAY = Window(type=WindowType.CALENDAR, period=Period.DAY, time_zone="Europe/Berlin")


def charge(
    amount: int = 1,
    *,
    limit: int = 100,
    unit: Unit = Unit.TOKENS,
    window: Window | None = HOUR,
    key: str = "",
) -> Charge:
    return Charge(key or unit.value, Scope.SUBJECT, unit.value.lower(), unit, amount, limit, window)


def concurrency(limit: int) -> Charge:
    return charge(limit=limit, unit=Unit.CONCURRENCY, window=None)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ledger(clock: ManualClock) -> MemoryLedger:
    return MemoryLedger(clock)


async def granted(ledger: MemoryLedger, *charges: Charge) -> Grant:
    outcome = await ledger.admit(charges)
    assert isinstance(outcome, Grant)
    return outcome


async def denied(ledger: MemoryLedger, *charges: Charge) -> Denied:
    outcome = await ledger.admit(charges)
    assert isinstance(outcome, Denied)
    return outcome


async def remaining(ledger: MemoryLedger, of: Charge) -> int:
    return (await ledger.balances((of,)))[of.key].remaining


async def test_the_limit_itself_is_admitted_and_no_more(ledger: MemoryLedger):
    await granted(ledger, charge(60))
    await granted(ledger, charge(40))
    outcome = await denied(ledger, charge(1))
    assert outcome.balance.remaining == 0


async def test_settlement_replaces_the_reservation_by_what_was_used(ledger: MemoryLedger):
    charges = (
        charge(40),
        charge(1, unit=Unit.REQUESTS),
        charge(50, unit=Unit.COST),
        concurrency(100),
    )
    grant = await granted(ledger, *charges)
    await ledger.settle(grant, Usage(prompt_tokens=7, completion_tokens=5), cost=80)
    balances = await ledger.balances(charges)
    assert {key: balance.remaining for key, balance in balances.items()} == {
        "Tokens": 88,
        "Requests": 99,
        "Cost": 20,
        "Concurrency": 100,
    }


async def test_only_the_first_settlement_counts(ledger: MemoryLedger):
    grant = await granted(ledger, charge(40))
    await ledger.settle(grant, Usage(prompt_tokens=30), 0)
    await ledger.settle(grant, Usage(prompt_tokens=99), 0)
    await ledger.cancel(grant)
    assert await remaining(ledger, charge()) == 70


async def test_a_cancelled_grant_leaves_no_trace(ledger: MemoryLedger):
    grant = await granted(ledger, charge(40), concurrency(1))
    await ledger.cancel(grant)
    assert await remaining(ledger, charge()) == 100
    assert await remaining(ledger, concurrency(1)) == 1


async def test_one_charge_that_does_not_fit_denies_all(ledger: MemoryLedger):
    outcome = await denied(ledger, charge(10), charge(3, limit=2, unit=Unit.REQUESTS), charge(999, key="later"))
    assert outcome.charge.unit is Unit.REQUESTS
    assert await remaining(ledger, charge()) == 100


async def test_two_charges_on_one_counter_add_up(ledger: MemoryLedger):
    await denied(ledger, charge(60), charge(60))
    assert await remaining(ledger, charge()) == 100


async def test_excess_is_debt_that_a_rolling_window_forgets_with_time(ledger: MemoryLedger, clock: ManualClock):
    grant = await granted(ledger, charge(10))
    clock.now += 1800
    await ledger.settle(grant, Usage(completion_tokens=250), 0)
    assert await remaining(ledger, charge()) == -150
    await denied(ledger, charge(0))
    clock.now += 1801 + 3600 / 64  # the reservation is given back, its excess not yet
    assert await remaining(ledger, charge()) == -140
    clock.now += 1800
    assert await remaining(ledger, charge()) == 100


@pytest.mark.parametrize("window", [Window(type=WindowType.ROLLING, length=60.0), BERLIN_DAY])
async def test_use_counts_though_its_counter_was_forgotten(ledger: MemoryLedger, clock: ManualClock, window: Window):
    grant = await granted(ledger, charge(0, window=window))
    await granted(ledger, charge(key="another"))
    assert len(ledger) == 1
    await ledger.settle(grant, Usage(completion_tokens=130), 0)
    assert await remaining(ledger, charge(window=window)) == -30
    clock.now += 86_400
    assert await remaining(ledger, charge(window=window)) == (70 if window is BERLIN_DAY else 100)


async def test_debt_of_a_day_is_paid_on_the_following_days(ledger: MemoryLedger, clock: ManualClock):
    noon = datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    clock.now = noon
    of = charge(100, window=BERLIN_DAY)
    await ledger.settle(await granted(ledger, of), Usage(completion_tokens=330), 0)
    balance = (await ledger.balances((of,)))[of.key]
    assert (balance.remaining, balance.resets_after) == (-230, 12 * 3600.0)
    clock.now = noon + 12 * 3600
    assert await remaining(ledger, of) == -130
    clock.now += 23 * 3600  # the short day on which the clocks go forward
    assert await remaining(ledger, of) == -30
    clock.now += 24 * 3600
    assert await remaining(ledger, of) == 70


async def test_debt_does_not_depend_on_being_looked_at(ledger: MemoryLedger, clock: ManualClock):
    of = charge(100, window=BERLIN_DAY)
    await ledger.settle(await granted(ledger, of), Usage(completion_tokens=330), 0)
    clock.now += 3 * 86_400
    assert await remaining(ledger, of) == 70
    clock.now += 30 * 86_400
    assert await remaining(ledger, of) == 100


async def test_a_reservation_over_midnight_is_corrected(ledger: MemoryLedger, clock: ManualClock):
    """Of a day's reservation the next day holds only the debt that it made; that is what may be given back."""
    clock.now = datetime(2026, 6, 1, 23, 59, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    of = charge(50, window=BERLIN_DAY)
    first, second = await granted(ledger, of), await granted(ledger, of)
    await ledger.settle(first, Usage(completion_tokens=70), 0)
    clock.now += 120
    assert await remaining(ledger, of) == 80
    await ledger.settle(second, Usage(completion_tokens=35), 0)
    assert await remaining(ledger, of) == 95


async def test_retry_after_is_when_the_charge_fits(ledger: MemoryLedger, clock: ManualClock):
    for amount in (30, 30, 40):
        await granted(ledger, charge(amount))
        clock.now += 600
    short = (await denied(ledger, charge(20))).balance.resets_after
    long = (await denied(ledger, charge(50))).balance.resets_after
    longest = (await denied(ledger, charge(65))).balance.resets_after
    assert 1800 <= short <= 1800 + 3600 / 64
    assert short + 600 - 3600 / 64 <= long <= short + 600 + 3600 / 64
    assert long + 600 - 3600 / 64 <= longest <= long + 600 + 3600 / 64
    clock.now += long - 1
    await denied(ledger, charge(50))
    clock.now += 1.001
    await granted(ledger, charge(50))


async def test_what_can_never_fit_is_denied_and_leaves_no_counter(ledger: MemoryLedger):
    outcome = await denied(ledger, charge(101))
    assert outcome.balance.resets_after == 0.0
    await granted(ledger, charge(1, key="another"))
    assert len(ledger) == 1


async def test_a_new_limit_keeps_what_was_used(ledger: MemoryLedger):
    await granted(ledger, charge(90))
    assert await remaining(ledger, charge(limit=50)) == -40
    await denied(ledger, charge(1, limit=50))
    await granted(ledger, charge(30, limit=120))


@pytest.mark.parametrize(
    "other",
    [Window(type=WindowType.ROLLING, length=60.0), Window(type=WindowType.ROLLING, length=86_400.0), BERLIN_DAY],
)
async def test_a_new_window_keeps_what_was_used(ledger: MemoryLedger, clock: ManualClock, other: Window):
    clock.now = datetime(2026, 6, 1, 12, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    await granted(ledger, charge(50))
    grant = await granted(ledger, charge(40))
    await denied(ledger, charge(11, window=other))
    await granted(ledger, charge(10, window=other))
    await ledger.settle(grant, Usage(completion_tokens=60), 0)  # admitted under the old window
    assert await remaining(ledger, charge(window=other)) == -20


async def test_a_day_of_use_does_not_outlive_a_shorter_window(ledger: MemoryLedger, clock: ManualClock):
    await granted(ledger, charge(90))
    clock.now += 1800
    await granted(ledger, charge(100, window=Window(type=WindowType.ROLLING, length=60.0)))


async def test_an_abandoned_grant_gives_its_concurrency_back(clock: ManualClock):
    ledger = MemoryLedger(clock, hold=900.0)
    abandoned = await granted(ledger, concurrency(2), charge(10))
    clock.now += 600
    await granted(ledger, concurrency(2))
    await denied(ledger, concurrency(2))
    clock.now += 300
    await granted(ledger, concurrency(2))
    await denied(ledger, concurrency(2))  # the second is still under way
    assert await remaining(ledger, charge()) == 90
    await ledger.settle(abandoned, Usage(completion_tokens=50), 0)  # too late to count
    assert await remaining(ledger, charge()) == 90
    clock.now += 600
    await granted(ledger, concurrency(2))


async def test_a_clock_that_steps_back_loses_nothing(ledger: MemoryLedger, clock: ManualClock):
    await granted(ledger, charge(60), charge(60, key="day", window=BERLIN_DAY))
    clock.now -= 90_000
    assert await remaining(ledger, charge()) == 40
    await denied(ledger, charge(41))
    await denied(ledger, charge(41, key="day", window=BERLIN_DAY))
    grant = await granted(ledger, charge(40))
    assert (await denied(ledger, charge(100))).balance.resets_after >= 90_000 + 3600
    await ledger.cancel(grant)
    assert await remaining(ledger, charge()) == 40


async def test_balances_change_nothing(ledger: MemoryLedger):
    await ledger.balances((charge(), concurrency(3)))
    assert len(ledger) == 0
    assert (await ledger.balances((charge(),)))["Tokens"].resets_after == 0.0


@given(limit=st.integers(0, 10**18), routers=st.integers(1, 500))
def test_shares_never_add_up_to_more_than_the_limit(limit: int, routers: int):
    assert limit - routers < share_of(limit, routers) * routers <= limit


def test_a_router_that_knows_of_no_other_has_it_all():
    assert share_of(5, 0) == share_of(5, 1) == 5


async def test_the_share_follows_the_number_of_routers(clock: ManualClock):
    routers = 1
    ledger = MemoryLedger(clock, lambda: routers)
    await granted(ledger, charge(40))
    routers = 2
    await denied(ledger, charge(20))
    assert await remaining(ledger, charge()) == 10
    routers = 1
    await granted(ledger, charge(60))


async def test_memory_is_bounded_by_what_still_counts(ledger: MemoryLedger, clock: ManualClock):
    """A hundred thousand subjects come and go; only those of the last hour are remembered."""
    subjects = 100_000
    for number in range(subjects):
        await ledger.settle(await granted(ledger, charge(5, key=f"user-{number}")), Usage(completion_tokens=9), 0)
        clock.now += 3600 / 10_000
    assert 10_000 <= len(ledger) <= 21_000
    clock.now += 7200
    for _ in range(21_000):
        await ledger.cancel(await granted(ledger, charge(1, key="last")))
    assert len(ledger) <= 1
    assert not ledger._open
