"""Hysteresis: conversations stay unless it pays to go, and never go back and forth."""

from hypothesis import assume, given
from hypothesis import strategies as st

from pointsman.core.sessions import Option, keep_backend, keep_route
from pointsman.core.state import SessionState

MARGIN, FLOOR = 0.05, 0.3


def session(route: str) -> SessionState:
    return SessionState(route, None, "ai/small", 500)


def kept(scores: dict[str, float], *, of: str = "code", margin: float = MARGIN) -> bool:
    best = max(scores, key=lambda name: scores[name])
    return keep_route(session(of), scores, best, scores[best], margin, FLOOR)


def test_a_route_is_kept_against_one_that_is_hardly_better():
    assert kept({"code": 0.42, "mathematics": 0.46})


def test_a_clear_change_of_topic_switches_at_once():
    assert not kept({"code": 0.05, "mathematics": 0.9})


def test_a_route_that_may_not_take_this_turn_is_not_kept():
    assert not kept({"mathematics": 0.31})


def test_the_best_route_is_kept_whatever_it_scores():
    assert kept({"code": 0.01})


def test_a_turn_that_fits_nothing_well_stays():
    """ "Yes, please": no route reaches the floor, so `best` is the policy's default."""
    scores = {"code": 0.1, "mathematics": 0.25}
    assert keep_route(session("code"), scores, "default", 0.25, MARGIN, FLOOR)
    assert not keep_route(session("code"), {**scores, "mathematics": 0.3}, "mathematics", 0.3, MARGIN, FLOOR)


def test_a_turn_that_clearly_fits_nothing_leaves():
    assert not keep_route(session("code"), {"code": 0.05, "mathematics": 0.05}, "default", 0.05, MARGIN, FLOOR)


def test_a_route_far_below_the_floor_is_not_kept():
    assert not kept({"code": 0.01, "mathematics": 0.02})


probabilities = st.floats(0, 1)
scores_of = st.dictionaries(st.sampled_from("abcdef"), probabilities, min_size=1)


@given(scores=scores_of, margin=probabilities, floor=probabilities, start=st.sampled_from("abcdef"))
def test_routes_never_go_back_and_forth(scores: dict[str, float], margin: float, floor: float, start: str):
    best = max(scores, key=lambda name: scores[name])
    route, seen = start, [start]
    for _ in range(4):
        if not keep_route(session(route), scores, best, scores[best], margin, floor):
            route = best
            seen.append(route)
    assert len(seen) <= 2


@given(scores=scores_of, margin=probabilities, more=probabilities, start=st.sampled_from("abcdef"))
def test_a_wider_margin_never_switches_more(scores: dict[str, float], margin: float, more: float, start: str):
    best = max(scores, key=lambda name: scores[name])
    narrow = keep_route(session(start), scores, best, scores[best], margin, FLOOR)
    assert not narrow or keep_route(session(start), scores, best, scores[best], max(margin, more), FLOOR)


def option(backend: str, quality: float, cost: int) -> Option:
    return Option(backend, quality, cost)


def test_up_needs_the_margin_and_nothing_else():
    current = option("small", 0.70, 10)
    assert not keep_backend(current, option("large", 0.75001, 10_000), MARGIN)
    assert keep_backend(current, option("large", 0.74, 10_000), MARGIN)


def test_down_needs_twice_the_margin_as_saving():
    current = option("large", 0.75, 1000)
    assert keep_backend(current, option("small", 0.74, 900), MARGIN)
    assert not keep_backend(current, option("small", 0.74, 899), MARGIN)


def test_without_a_margin_any_saving_is_enough():
    assert not keep_backend(option("a", 0.75, 1000), option("b", 0.75, 999), 0.0)
    assert keep_backend(option("a", 0.75, 1000), option("b", 0.75, 1000), 0.0)


def test_a_cached_prefix_that_outweighs_the_price_keeps_the_model():
    """20,000 tokens of conversation: cached at 0.05, or read anew at 0.04 per million."""
    assert keep_backend(option("large", 0.8, 20_000 * 50_000), option("small", 0.8, 20_000 * 47_000), MARGIN)


def test_a_much_worse_model_never_takes_over():
    assert keep_backend(option("large", 0.9, 1000), option("small", 0.6, 1), MARGIN)


def test_a_little_better_and_much_cheaper_takes_over():
    assert not keep_backend(option("old", 0.70, 1000), option("new", 0.71, 100), MARGIN)


def test_a_model_that_costs_nothing_is_kept_against_its_like():
    assert keep_backend(option("a", 0.7, 0), option("b", 0.7, 0), MARGIN)
    assert keep_backend(option("a", 0.7, 0), option("a", 0.9, 5), MARGIN)


qualities = st.one_of(probabilities, st.sampled_from([0.7, 0.75, 0.8]))
costs = st.integers(0, 10**12)


@given(
    quality=st.tuples(qualities, qualities),
    cost=st.tuples(costs, costs),
    cached=st.tuples(probabilities, probabilities),
    margin=probabilities,
)
def test_from_a_to_b_and_back_is_impossible(
    quality: tuple[float, float], cost: tuple[int, int], cached: tuple[float, float], margin: float
):
    """Whoever proposes the other model every turn, for whatever reason, moves the conversation at most once."""

    def as_current(index: int) -> Option:
        return option("ab"[index], quality[index], int(cost[index] * cached[index]))

    def as_other(index: int) -> Option:
        return option("ab"[index], quality[index], cost[index])

    left_a = not keep_backend(as_current(0), as_other(1), margin)
    left_b = not keep_backend(as_current(1), as_other(0), margin)
    assert not (left_a and left_b)


@given(
    options=st.lists(st.tuples(qualities, costs, probabilities), min_size=2, max_size=5),
    weights=st.tuples(probabilities, probabilities),
    margin=probabilities,
    start=st.integers(0, 4),
)
def test_an_order_that_likes_quality_and_savings_settles_at_once(
    options: list[tuple[float, int, float]], weights: tuple[float, float], margin: float, start: int
):
    """With more than two models too: after one move the conversation stays where it is."""
    assume(start < len(options))

    def seen_from(current: int) -> list[Option]:
        return [
            option(str(index), quality, int(cost * cached) if index == current else cost)
            for index, (quality, cost, cached) in enumerate(options)
        ]

    def score(one: Option) -> tuple[float, bool, int]:
        return weights[0] * one.quality - weights[1] * one.cost / 10**12, one.backend == str(current), -int(one.backend)

    current, moves = start, 0
    for _ in range(6):
        turn = seen_from(current)
        best = max(turn, key=score)
        if not keep_backend(turn[current], best, margin):
            current = int(best.backend)
            moves += 1
    assert moves <= 1
