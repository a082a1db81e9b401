"""Retries stay a share of the requests."""

from hypothesis import given
from hypothesis import strategies as st

from router_svc.budget import ALWAYS_ALLOWED, WINDOW, RetryBudget
from tests.support.clock import ManualClock


def test_ten_are_always_allowed():
    budget = RetryBudget(ManualClock())
    assert [budget.retry("p", 0.0) for _ in range(12)] == [True] * 10 + [False] * 2


def test_beyond_ten_the_share_counts():
    budget = RetryBudget(ManualClock())
    for _ in range(100):
        budget.request("p")
    assert sum(budget.retry("p", 0.2) for _ in range(100)) == 20


def test_what_is_older_than_the_window_is_forgotten():
    clock = ManualClock()
    budget = RetryBudget(clock)
    for _ in range(1000):
        budget.request("p")
    assert sum(budget.retry("p", 0.2) for _ in range(300)) == 200
    clock.now += WINDOW + 1
    assert sum(budget.retry("p", 0.2) for _ in range(300)) == ALWAYS_ALLOWED


def test_each_name_has_a_budget_of_its_own():
    budget = RetryBudget(ManualClock())
    assert all(budget.retry("one", 0.0) for _ in range(10))
    assert budget.retry("other", 0.0)


@given(
    st.lists(st.tuples(st.sampled_from(["request", "retry"]), st.floats(0, 3)), max_size=200),
    st.floats(0, 1),
)
def test_retries_never_exceed_the_share(events: list[tuple[str, float]], share: float):
    clock = ManualClock(0.0)
    budget = RetryBudget(clock)
    requests: list[float] = []
    retries: list[float] = []
    for kind, passed in events:
        clock.now += passed
        if kind == "request":
            budget.request("p")
            requests.append(clock.now)
        elif budget.retry("p", share):
            recent = sum(at > clock.now - WINDOW for at in retries)
            counted = sum(at >= clock.now - WINDOW - 0.5 for at in requests)  # slices may be half a second older
            assert recent < max(ALWAYS_ALLOWED, share * counted)
            retries.append(clock.now)
