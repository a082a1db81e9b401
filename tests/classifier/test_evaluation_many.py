"""Many models: hulls, AIQ, the router's band, and abilities learnt from outcomes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pointsman_classifier.evaluation import abilities
from pointsman_classifier.evaluation.frontier import aiq, chosen_in_band, cost_of, hull, quality_at
from pointsman_classifier.evaluation.many import Trial, summarise

from pointsman.core.decide.estimate import Need

points = st.lists(st.tuples(st.floats(0.01, 10), st.floats(0, 1)), min_size=1, max_size=15)


def test_a_hull_by_hand() -> None:
    found = hull(np.array([1.0, 2.0, 3.0, 4.0, 2.0]), np.array([0.2, 0.3, 0.8, 0.7, 0.4]))
    assert found.cost.tolist() == [1.0, 3.0]
    assert found.quality.tolist() == [0.2, 0.8]
    assert quality_at(found, 2.0) == pytest.approx(0.5)
    assert math.isnan(quality_at(found, 0.5))
    assert quality_at(found, 9.0) == pytest.approx(0.8)
    assert cost_of(found, 0.5) == pytest.approx(2.0)
    assert math.isnan(cost_of(found, 0.9))
    assert aiq(found, 1.0, 5.0) == pytest.approx((0.5 * 2 + 0.8 * 2) / 4)
    assert aiq(found, 0.0, 2.0) == pytest.approx((0.2 * 1 + 0.35 * 1) / 2)


@given(points)
def test_a_hull_rises_is_concave_and_covers_every_point(given_points: list[tuple[float, float]]) -> None:
    cost, quality = np.array(given_points).T
    found = hull(cost, quality)
    assert (np.diff(found.cost) > 0).all()
    assert (np.diff(found.quality) > 0).all()
    slopes = np.diff(found.quality) / np.diff(found.cost)
    assert (np.diff(slopes) <= 1e-9).all()
    for x, y in given_points:
        assert y <= quality_at(found, x) + 1e-9
    low, high = float(cost.min()), float(cost.max())
    assert aiq(found, low, high) <= quality.max() + 1e-9


def test_the_band_takes_the_cheapest_that_is_good_enough() -> None:
    expected = np.array([[0.9, 0.85, 0.2], [0.5, 0.5, 0.1]])
    cost = np.array([[10.0, 2.0, 1.0], [10.0, 10.0, 1.0]])
    assert chosen_in_band(expected, cost, 0.0).tolist() == [0, 0]
    assert chosen_in_band(expected, cost, 0.06).tolist() == [1, 0]
    assert chosen_in_band(expected, cost, 1.0).tolist() == [2, 2]


def test_knowing_the_outcome_reaches_the_oracle() -> None:
    quality = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
    cost = np.tile([1.0, 4.0], (4, 1))
    found = summarise(Trial(quality, quality, cost))
    assert found.best_single == 1
    assert found.oracle == 1.0
    assert found.figures.quality.value == 1.0
    assert found.figures.gain.value == pytest.approx(0.25)
    assert found.figures.gap_to_oracle.value == pytest.approx(0.0)
    assert found.figures.cost_at_equal_quality.value <= (2 * 1 + 2 * 4) / 4 / 4
    assert found.figures.aiq.value == pytest.approx(found.aiq_oracle)
    assert found.aiq_singles < found.aiq_oracle


def test_expecting_the_same_of_all_is_worth_no_more_than_one_model() -> None:
    draw = np.random.default_rng(0)
    quality = (draw.random((300, 3)) < [0.3, 0.5, 0.7]).astype(float)
    found = summarise(Trial(np.tile([0.3, 0.5, 0.7], (300, 1)), quality, np.tile([1.0, 2.0, 3.0], (300, 1))))
    assert found.figures.gain.value == pytest.approx(0.0)
    assert found.figures.aiq.value == pytest.approx(found.aiq_singles, abs=0.02)
    assert found.calibration_error < 0.05


def test_without_costs_only_quality_is_told() -> None:
    quality = np.array([[1.0, 0.0], [1.0, 1.0]])
    found = summarise(Trial(quality, quality, np.ones((2, 2))))
    assert found.figures.quality.value == 1.0
    assert math.isnan(found.figures.aiq.value)
    assert math.isnan(found.figures.cost_at_equal_quality.value)


def test_abilities_are_recovered_from_outcomes_of_their_own_kind() -> None:
    draw = np.random.default_rng(1)
    n, ability = 6000, {"code": (1.5, -0.5), "mathematics": (-1.0, 0.5)}
    names = draw.choice(list(ability), n)
    needs = [Need(((str(name), 1.0),), float(shift)) for name, shift in zip(names, draw.normal(0, 1, n), strict=True)]
    chance = np.array([[1 / (1 + math.exp(k.shift - a)) for a in ability[k.categories[0][0]]] for k in needs])
    quality = (draw.random((n, 2)) < chance).astype(float)
    for model, backend in enumerate(abilities.fit(needs, quality)):
        for name, values in ability.items():
            stated = backend.quality[name]
            assert math.log(stated / (1 - stated)) == pytest.approx(values[model], abs=0.2)
    folds = abilities.folds_of([i.to_bytes(8) for i in range(n)])
    expected = abilities.expected_by_folds(needs, quality, folds)
    assert np.abs(expected - chance).mean() < 0.03


def test_a_rare_category_leans_on_the_whole() -> None:
    needs = [Need((("code", 1.0),), 0.0)] * 200 + [Need((("legal", 1.0),), 0.0)]
    quality = np.r_[np.tile([1.0, 0.0], 100), 1.0][:, None]
    (backend,) = abilities.fit(needs, quality)
    assert 0.5 < backend.quality["legal"] < 0.6


def test_equal_texts_share_a_fold() -> None:
    assert abilities.folds_of([b"12345678"] * 2).tolist() == [abilities.folds_of([b"12345678"])[0]] * 2
