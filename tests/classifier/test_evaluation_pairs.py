"""Two models: RouteLLM's measures, by hand and by what must hold for any data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pointsman_classifier.evaluation.pairs import SHARES, Pair, apgr_of, area, calls_for, recovered, statistics_of
from pointsman_classifier.evaluation.two import summarise

marks = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 1.0])), min_size=2, max_size=40)


def pair_of(rows: list[tuple[float, float]]) -> Pair:
    strong, weak = np.array(rows).T
    return Pair(strong, weak)


def test_ten_cases_by_hand() -> None:
    """The strong model gains on the three cases that need it most: 10, 20 and 30% of the calls win a third each."""
    pair = Pair(np.ones(10), np.array([0, 0, 0, 1, 1, 1, 1, 1, 1, 1.0]))
    curve = recovered(np.arange(10)[::-1].astype(float), pair)
    assert curve == pytest.approx([0, 1 / 3, 2 / 3, 1, 1, 1, 1, 1, 1, 1, 1])
    assert area(curve) == pytest.approx(0.1 * (1 / 6 + 1 / 2 + 5 / 6) + 0.7)
    assert calls_for(curve, 0.5) == pytest.approx(0.15)
    assert calls_for(curve, 0.8) == pytest.approx(0.24)


def test_equal_scores_count_as_random_order_whatever_the_files_order() -> None:
    pair = Pair(np.ones(20), np.r_[np.zeros(5), np.ones(15)])
    for order in (np.arange(20), np.arange(20)[::-1]):
        shuffled = Pair(pair.strong[order], pair.weak[order])
        assert recovered(np.zeros(20), shuffled) == pytest.approx(SHARES)


def test_a_strong_model_that_can_be_worse_may_recover_more_than_the_gap() -> None:
    pair = Pair(np.array([1.0, 1.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    curve = recovered(np.array([4.0, 3.0, 1.0, 2.0]), pair)
    assert curve.max() == pytest.approx(2.0)
    assert calls_for(curve, 0.5) == pytest.approx(0.125)


def test_no_gap_gives_no_figure() -> None:
    assert np.isnan(recovered(np.arange(4.0), Pair(np.ones(4), np.ones(4)))).all()


@given(rows=marks, seed=st.integers(0, 9))
def test_a_random_order_recovers_half_on_average(rows: list[tuple[float, float]], seed: int) -> None:
    pair = pair_of(rows)
    if pair.gap <= 0:
        return
    assert area(recovered(np.full(len(rows), float(seed)), pair)) == pytest.approx(0.5)


@given(rows=marks, data=st.data())
def test_no_order_beats_the_oracle(rows: list[tuple[float, float]], data: st.DataObject) -> None:
    pair = pair_of(rows)
    if pair.gap <= 0:
        return
    need = np.array(data.draw(st.lists(st.floats(0, 1), min_size=len(rows), max_size=len(rows))))
    best = recovered(pair.strong - pair.weak, pair)
    assert (recovered(need, pair) <= best + 1e-9).all()


@given(rows=marks, data=st.data())
def test_only_the_order_of_scores_matters(rows: list[tuple[float, float]], data: st.DataObject) -> None:
    pair = pair_of(rows)
    if pair.gap <= 0:
        return
    need = np.array(data.draw(st.lists(st.integers(0, 5), min_size=len(rows), max_size=len(rows))), float)
    once = recovered(need, pair)
    assert recovered(np.exp(3 * need) - 7, pair) == pytest.approx(once)
    mixed = np.random.default_rng(0).permutation(len(rows))
    assert recovered(need[mixed], Pair(pair.strong[mixed], pair.weak[mixed])) == pytest.approx(once)
    twice = Pair(np.tile(pair.strong, 2), np.tile(pair.weak, 2))
    assert recovered(np.tile(need, 2), twice) == pytest.approx(once)
    assert apgr_of(need, pair)(np.full(len(rows), 2.0)) == pytest.approx(area(once))


@given(rows=marks)
def test_reversing_an_order_mirrors_its_area(rows: list[tuple[float, float]]) -> None:
    pair = pair_of(rows)
    if pair.gap <= 0:
        return
    need = np.arange(len(rows), dtype=float)
    assert area(recovered(need, pair)) + area(recovered(-need, pair)) == pytest.approx(1.0)


def test_more_recovery_takes_more_calls() -> None:
    draw = np.random.default_rng(1)
    weak = (draw.random(500) < 0.4).astype(float)
    _, half, most = statistics_of(draw.random(500) - weak, Pair(np.ones(500), weak))(np.ones(500))
    assert 0 < half < most < 1


def test_a_summary_holds_its_baselines_and_categories() -> None:
    draw = np.random.default_rng(2)
    need = draw.random(400)
    pair = Pair((draw.random(400) < 0.9).astype(float), (draw.random(400) < 0.9 - 0.6 * need).astype(float))
    rows = {"easy": np.arange(200), "few": np.arange(200, 230)}
    expected = np.stack([np.full(400, 0.9), 0.9 - 0.6 * need], axis=1)
    found = summarise(need, pair, draw.random(400), rows, expected)
    assert found.baselines["random"].apgr.value == pytest.approx(0.5)
    assert 0.55 < found.apgr.value < found.baselines["oracle"].apgr.value
    assert found.apgr.interval.low < found.apgr.value < found.apgr.interval.high
    assert list(found.categories) == ["easy"]
    assert found.calibration_error < 0.1
