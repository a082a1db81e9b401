"""Envoy's rules of ejection, as a state machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.snapshot import Outlier
from router_svc.endpoints.outlier import (
    DECAY,
    MAX_EJECTION,
    UNREACHABLE_MAX,
    Breaker,
    failed,
    may_eject,
    succeeded,
    unreachable,
)

RULES = Outlier(consecutive_errors=3, base_ejection=30.0)


def errors(breaker: Breaker, count: int, now: float = 0.0) -> Breaker:
    for _ in range(count):
        breaker = failed(breaker, RULES, now, may_eject=True)
    return breaker


def test_only_errors_in_a_row_eject():
    breaker = succeeded(errors(Breaker(), 2), 0.0)
    assert errors(breaker, 2).closed
    assert not errors(breaker, 3).closed


def test_an_ejection_ends_in_one_probe_that_closes_the_breaker():
    breaker = errors(Breaker(), 3, now=100.0)
    assert not breaker.half_open(129.9)
    assert breaker.half_open(130.0)
    assert succeeded(breaker, 130.0).closed


def test_a_failed_probe_ejects_for_longer_each_time_up_to_five_minutes():
    breaker, now, lengths = errors(Breaker(), 3), 0.0, []
    for _ in range(15):
        assert breaker.open_until is not None
        lengths.append(breaker.open_until - now)
        now = breaker.open_until
        breaker = failed(breaker, RULES, now, may_eject=False)  # the share limits new ejections, not this
    assert lengths[:4] == [30, 60, 90, 120]
    assert lengths[-1] == MAX_EJECTION


def test_a_base_longer_than_five_minutes_is_kept():
    rules = Outlier(consecutive_errors=1, base_ejection=600.0)
    breaker = failed(Breaker(), rules, 0.0, may_eject=True)
    assert breaker.open_until == 600.0


def test_the_number_of_ejections_decays_in_good_standing():
    breaker = succeeded(errors(Breaker(), 3), 30.0)  # closed after one ejection
    soon, later = errors(breaker, 3, now=31.0), errors(breaker, 3, now=30.0 + DECAY)
    assert soon.open_until == 31.0 + 60
    assert later.open_until == 30.0 + DECAY + 30


def test_without_room_errors_count_but_do_not_eject():
    breaker = Breaker()
    for _ in range(10):
        breaker = failed(breaker, RULES, 0.0, may_eject=False)
    assert breaker.closed
    assert not failed(breaker, RULES, 0.0, may_eject=True).closed


def test_an_unreachable_endpoint_is_left_alone_a_little_longer_each_time():
    breaker, now, pauses = Breaker(), 0.0, []
    for _ in range(8):
        breaker = unreachable(breaker, now)
        assert breaker.open_until is not None
        pauses.append(breaker.open_until - now)
        now = breaker.open_until
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == UNREACHABLE_MAX
    assert unreachable(succeeded(breaker, now), now).open_until == now + 1


def test_failures_of_panic_do_not_prolong_an_ejection():
    breaker = errors(Breaker(), 3)
    assert failed(breaker, RULES, 1.0, may_eject=True) == breaker
    assert unreachable(breaker, 1.0) == breaker


@pytest.mark.parametrize(
    ("largest", "ejected", "total", "allowed"),
    [
        (0.5, 0, 1, True),
        (0.1, 0, 3, True),
        (0.0, 0, 3, False),
        (0.5, 1, 3, False),
        (0.5, 1, 4, True),
        (0.5, 2, 4, False),
        (1.0, 3, 4, True),
    ],
)
def test_share(largest: float, ejected: int, total: int, allowed: bool):
    assert may_eject(Outlier(max_ejected=largest), ejected, total) is allowed


EVENTS = st.lists(st.tuples(st.sampled_from(["ok", "error", "unreachable"]), st.floats(0, 100)), max_size=60)


@given(EVENTS, st.booleans())
def test_no_history_keeps_an_endpoint_out_for_more_than_five_minutes(events: list[tuple[str, float]], allowed: bool):
    breaker, now = Breaker(), 0.0
    for kind, passed in events:
        now += passed
        if kind == "ok":
            breaker = succeeded(breaker, now)
            assert breaker.closed
        elif kind == "error":
            breaker = failed(breaker, RULES, now, may_eject=allowed)
        else:
            breaker = unreachable(breaker, now)
            assert not breaker.closed
        assert breaker.half_open(now + MAX_EJECTION) or breaker.closed
