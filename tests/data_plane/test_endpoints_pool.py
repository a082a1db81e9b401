"""The pool picks fairly, leaves out what fails, and never leaves a backend without a chance."""

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.resources.backend import LoadBalancingType
from pointsman.core.snapshot import Backend, Outlier
from router_svc.endpoints import EndpointPool, Lease
from router_svc.endpoints.group import MISCONFIGURED, MISCONFIGURED_PAUSE
from router_svc.exchange import Endpoint
from tests.support.clock import ManualClock

KEY = "ai/small"


def endpoints(count: int) -> tuple[Endpoint, ...]:
    return tuple(Endpoint(f"10.0.0.{number}", 8000) for number in range(count))


class Pool:
    """A pool with one backend and a clock of its own."""

    def __init__(self, count: int = 2, seed: int = 7, **rules: Any) -> None:
        self.clock = ManualClock(0.0)
        self.pool = EndpointPool(self.clock, random.Random(seed))
        self.balancing = rules.pop("balancing", LoadBalancingType.LEAST_REQUEST)
        self.rules = Outlier(**{"consecutive_errors": 2, "base_ejection": 30.0, **rules})
        self.update(count)

    def update(self, count: int) -> None:
        backend = Backend(namespace="ai", name="small", model="m", outlier=self.rules, load_balancing=self.balancing)
        self.pool.update({KEY: endpoints(count)}, {KEY: backend})

    def pick(self) -> Lease:
        lease = self.pool.pick(KEY)
        assert lease is not None
        return lease

    def pick_host(self, host: str) -> Lease:
        """Picks until it is this one."""
        others = []
        while (lease := self.pick()).endpoint.host != host:
            others.append(lease)  # held, so that it is not picked again and again
            assert len(others) < 100, f"{host} is never picked"
        for other in others:
            other.done(None)
        return lease

    def hosts(self, picks: int = 200) -> Counter[str]:
        found: Counter[str] = Counter()
        for _ in range(picks):
            lease = self.pick()
            found[lease.endpoint.host] += 1
            lease.done(None)
        return found

    def eject(self, host: str) -> None:
        for _ in range(self.rules.consecutive_errors):
            self.pick_host(host).done(False)

    @property
    def available(self) -> int:
        return self.pool.states([KEY])[KEY].available


def test_a_backend_that_is_unknown_or_empty_gives_nothing():
    assert Pool(0).pool.pick(KEY) is None
    assert Pool(2).pool.pick("ai/other") is None
    assert Pool(2).pool.states(["ai/other"]) == {}


@given(st.integers(2, 12), st.integers(1, 200), st.integers(0, 1000))
def test_the_busiest_of_several_is_never_picked(count: int, picks: int, seed: int):
    pool = Pool(count, seed)
    busy: Counter[str] = Counter()
    for _ in range(picks):
        host = pool.pick().endpoint.host
        most = max(busy.values(), default=0)
        others = [busy[endpoint.host] for endpoint in endpoints(count) if endpoint.host != host]
        assert busy[host] < most or most in others or most == 0
        busy[host] += 1


def test_two_random_choices_keep_the_load_even():
    pool = Pool(10)
    load = Counter(pool.pick().endpoint.host for _ in range(1000))
    assert max(load.values()) - min(load.values()) <= 6  # a single random choice gives about 35


def test_round_robin_takes_each_in_turn():
    pool = Pool(3, balancing=LoadBalancingType.ROUND_ROBIN)
    hosts = [pool.pick().endpoint.host for _ in range(6)]
    assert hosts[:3] == hosts[3:]
    assert len(set(hosts)) == 3


def test_a_lease_is_given_back_once():
    pool = Pool(1)
    lease = pool.pick()
    assert pool.pool.states([KEY])[KEY].in_flight == 1
    lease.done(True)
    lease.done(False)
    lease.done(False)
    assert pool.pool.states([KEY])[KEY].in_flight == 0
    assert pool.available == 1


def test_an_ejected_endpoint_is_left_out_and_probed_once():
    pool = Pool(2)
    pool.eject("10.0.0.0")
    assert pool.available == 1
    assert set(pool.hosts()) == {"10.0.0.1"}

    pool.clock.now += 30
    probe = pool.pick_host("10.0.0.0")
    assert "10.0.0.0" not in pool.hosts()  # one probe at a time
    probe.done(True)
    assert pool.available == 2
    assert set(pool.hosts()) == {"10.0.0.0", "10.0.0.1"}


def test_a_probe_that_fails_ejects_again_for_longer():
    pool = Pool(2)
    pool.eject("10.0.0.0")
    pool.clock.now += 30
    pool.pick_host("10.0.0.0").done(False)
    pool.clock.now += 59
    assert pool.available == 1
    pool.clock.now += 1
    assert pool.available == 2


def test_a_probe_that_tells_nothing_makes_room_for_another():
    pool = Pool(2)
    pool.eject("10.0.0.0")
    pool.clock.now += 30
    pool.pick_host("10.0.0.0").done(None)
    pool.pick_host("10.0.0.0").done(True)
    assert pool.available == 2


def test_a_stream_that_has_begun_ends_the_probe():
    pool = Pool(2)
    pool.eject("10.0.0.0")
    pool.clock.now += 30
    probe = pool.pick_host("10.0.0.0")
    probe.answered(0.2)
    assert pool.available == 2
    probe.done(False)  # it broke off: one error of two
    assert pool.available == 2
    pool.pick_host("10.0.0.0").done(False)
    assert pool.available == 1


def test_streams_that_begin_well_and_break_off_are_errors_in_a_row():
    pool = Pool(2)
    for _ in range(2):
        lease = pool.pick_host("10.0.0.0")
        lease.answered(0.1)
        lease.done(False)
    assert pool.available == 1


def test_late_news_from_before_an_ejection_does_not_count():
    pool = Pool(2)
    good, bad = pool.pick_host("10.0.0.0"), pool.pick_host("10.0.0.0")
    pool.eject("10.0.0.0")
    good.done(True)
    assert pool.available == 1
    pool.clock.now += 30
    bad.done(False)
    assert pool.available == 2


def test_an_unreachable_endpoint_is_left_out_at_once_but_not_for_long():
    pool = Pool(2)
    pool.pick_host("10.0.0.0").done(False, unreachable=True)
    assert set(pool.hosts()) == {"10.0.0.1"}
    pool.clock.now += 1
    pool.pick_host("10.0.0.0").done(True)
    assert pool.available == 2


def test_with_too_few_left_all_are_picked_from():
    pool = Pool(4, max_ejected=1.0)
    for number in range(3):
        pool.eject(f"10.0.0.{number}")
    assert pool.available == 1
    assert len(pool.hosts()) == 4


def test_the_only_endpoint_may_be_ejected_and_is_still_there_in_need():
    pool = Pool(1)
    pool.eject("10.0.0.0")
    assert pool.available == 0
    pool.pick().done(True)  # it works after all
    assert pool.available == 1


def test_with_none_left_any_is_picked_and_the_one_that_answers_is_back():
    pool = Pool(3, max_ejected=1.0)
    for number in range(3):
        pool.eject(f"10.0.0.{number}")
    assert pool.available == 0
    assert len(pool.hosts()) == 3
    pool.pick_host("10.0.0.1").done(True)
    assert pool.available == 1


def test_a_stream_that_has_begun_brings_back_the_last_resort_too():
    pool = Pool(1)
    pool.eject("10.0.0.0")
    pool.pick().answered(0.2)
    assert pool.available == 1


def test_an_endpoint_cools_alone_for_a_minute_at_most():
    pool = Pool(2)
    lease = pool.pick_host("10.0.0.0")
    lease.cool(3600)
    lease.cool(1)  # the longer one counts
    assert set(pool.hosts()) == {"10.0.0.1"}
    assert pool.pool.states([KEY])[KEY].cooldown == 0
    pool.clock.now += 60
    assert pool.available == 2


def test_cooling_endpoints_are_picked_when_no_other_is_left():
    pool = Pool(2)
    for host in ("10.0.0.0", "10.0.0.1"):
        pool.pick_host(host).cool(10)
    assert pool.available == 0
    assert len(pool.hosts()) == 2


def test_misconfiguration_counts_in_a_row_over_all_endpoints_and_any_answer_resets_it():
    pool = Pool(2)
    for _ in range(MISCONFIGURED - 1):
        pool.pick().misconfigured()
    pool.pick().answered(0.1)
    for _ in range(MISCONFIGURED):
        assert pool.pool.states([KEY])[KEY].cooldown == 0
        pool.pick().misconfigured()
    assert pool.pool.states([KEY])[KEY].cooldown == MISCONFIGURED_PAUSE
    assert pool.pool.pick(KEY) is None


def test_the_share_of_ejected_endpoints_is_bounded():
    pool = Pool(4, max_ejected=0.5)
    for number in range(4):
        pool.eject(f"10.0.0.{number}")
    assert pool.available == 2


def test_a_cooldown_stops_picking():
    pool = Pool(2)
    pool.pool.cool(KEY, 10)
    pool.pool.cool(KEY, 2)  # the longer one counts
    assert pool.pool.pick(KEY) is None
    assert pool.pool.states([KEY])[KEY].cooldown == 10
    pool.clock.now += 10
    assert pool.pool.pick(KEY) is not None


def test_endpoints_that_stay_keep_their_state():
    pool = Pool(2)
    pool.eject("10.0.0.0")
    held = pool.pick_host("10.0.0.1")
    pool.update(3)
    assert pool.available == 2
    assert pool.pool.states([KEY])[KEY].in_flight == 1
    held.done(True)


def test_removed_endpoints_drain_and_are_known_again_if_they_return():
    pool = Pool(2)
    held = pool.pick_host("10.0.0.1")
    pool.update(1)
    assert set(pool.hosts()) == {"10.0.0.0"}
    pool.update(2)
    assert pool.pick().endpoint.host == "10.0.0.0"  # the other one is still busy
    held.done(True)


def test_a_lease_may_outlive_its_backend():
    pool = Pool(1)
    held = pool.pick()
    pool.pool.update({}, {})
    held.done(False)
    assert pool.pool.pick(KEY) is None


def test_first_tokens_are_averaged_and_forgotten():
    pool = Pool(1)
    pool.pick().answered(1.0)
    assert pool.pool.states([KEY])[KEY].first_token == 1.0
    lease = pool.pick()
    lease.answered(2.0)
    lease.done(True)
    assert pool.pool.states([KEY])[KEY].first_token == pytest.approx(1.2)
    pool.clock.now += 61
    assert pool.pool.states([KEY])[KEY].first_token is None


def test_health_checks_take_out_after_two_and_bring_back_after_one():
    pool = Pool(2)
    sick = endpoints(1)[0]
    pool.pool.checked(KEY, sick, ok=False)
    assert pool.available == 2
    pool.pool.checked(KEY, sick, ok=False)
    assert set(pool.hosts()) == {"10.0.0.1"}
    pool.pool.checked(KEY, sick, ok=True)
    assert pool.available == 2
    pool.pool.checked(KEY, Endpoint("10.9.9.9", 1), ok=False)  # unknown: ignored


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["pick", "ok", "error", "nothing", "unreachable", "wait", "check", "grow", "shrink"]),
        st.integers(0, 40),
    ),
    max_size=120,
)


@settings(max_examples=150)
@given(ACTIONS, st.integers(1, 5), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_whatever_happens_someone_is_picked_and_the_counts_are_right(
    actions: list[tuple[str, int]], count: int, largest: float
):
    pool = Pool(count, max_ejected=largest)
    held: list[Lease] = []
    for action, number in actions:
        if action == "pick":
            held.append(pool.pick())
        elif action == "wait":
            pool.clock.now += number
        elif action in ("grow", "shrink"):
            count = max(1, count + (1 if action == "grow" else -1))
            pool.update(count)
        elif action == "check":
            pool.pool.checked(KEY, endpoints(count)[number % count], ok=number % 3 == 0)
        elif held:
            lease = held.pop(number % len(held))
            lease.done({"ok": True, "error": False}.get(action), unreachable=action == "unreachable")
        state = pool.pool.states([KEY])[KEY]
        assert state.in_flight == len(held)
        assert 0 <= state.available <= state.endpoints == count
    for lease in held:
        lease.done(True)
    assert pool.pool.states([KEY])[KEY].in_flight == 0
    pool.clock.now += 301
    for number in range(count):
        pool.pool.checked(KEY, endpoints(count)[number], ok=True)
    assert pool.available == count  # every ejection ends
