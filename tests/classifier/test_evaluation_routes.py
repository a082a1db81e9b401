"""Routed cases: accuracies, intervals, AUC and calibration, by hand and by what must hold for any data."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pointsman_classifier.evaluation.calibration import calibration_error, reliability
from pointsman_classifier.evaluation.intervals import bootstrap, mean_of, wilson
from pointsman_classifier.evaluation.need import need_of, none_of
from pointsman_classifier.evaluation.ranking import auc_of
from pointsman_classifier.evaluation.routes import NONE, Routed, spans, summarise

from pointsman.core.signals import Classification, Score


def routed(truth: list[int], chosen: list[int], conversation: list[int] | None = None) -> Routed:
    n = len(truth)
    return Routed(
        truth=np.array(truth),
        chosen=np.array(chosen),
        alone=np.array(chosen),
        best=np.array([max(c, 0) for c in chosen]),
        score=np.where(np.array(chosen) == NONE, 0.2, 0.8),
        outside=np.where(np.array(chosen) == NONE, 0.8, 0.2),
        seconds=np.arange(1, n + 1) / 1000,
        language=np.arange(n) % 2,
        conversation=np.array(conversation or range(n)),
        named=np.full(n, conversation is not None),
    )


def test_eight_turns_by_hand() -> None:
    found = summarise(
        routed([0, 0, 1, 0, 0, NONE, NONE, 1], [0, 0, 1, 0, 1, NONE, 0, 1], [0, 0, 0, 1, 1, 1, 2, 3]), 2, 2
    )
    assert found.accuracy.value == 6 / 8
    assert found.by_conversation.value == 2 / 4
    assert found.by_conversation.n == 4
    assert found.by_span.value == 4 / 6
    assert found.by_span.n == 6
    assert found.in_scope.value == 5 / 6
    assert found.out_of_scope.value == 1 / 2
    assert found.out_of_scope_auc.value == 0.75
    assert [(r.cases, r.taken, r.right) for r in found.routes] == [(4, 4, 3), (2, 3, 2), (2, 1, 1)]
    assert found.routes[1].recall == 1.0
    assert found.routes[1].precision == 2 / 3
    assert found.confusion.tolist() == [[3, 1, 0], [0, 2, 0], [1, 0, 1]]
    assert [f.value for f in found.languages] == [2 / 4, 4 / 4]
    assert found.p50 == pytest.approx(0.0045)


def test_without_named_conversations_every_case_is_one() -> None:
    found = summarise(routed([0, 1], [0, 0]), 2, 0)
    assert found.by_conversation.value == found.accuracy.value == 0.5
    assert math.isnan(found.out_of_scope_auc.value)
    assert math.isnan(found.out_of_scope.value)


def test_spans_are_runs_within_a_conversation() -> None:
    assert spans(np.array([0, 0, 0, 1, 1]), np.array([2, 2, 3, 3, 3])).tolist() == [0, 0, 1, 2, 2]


def test_wilsons_interval_is_the_published_one() -> None:
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-4)
    assert wilson(0, 0) == (0.0, 1.0)


@given(n=st.integers(1, 500), data=st.data())
def test_wilsons_interval_holds_its_share_and_mirrors(n: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, n))
    low, high = wilson(right, n)
    assert 0 <= low <= right / n + 1e-9 and right / n - 1e-9 <= high <= 1
    assert wilson(n - right, n) == pytest.approx((1 - high, 1 - low))


def test_the_bootstrap_is_as_wide_as_theory_says_and_repeats_itself() -> None:
    values = np.r_[np.ones(300), np.zeros(100)]
    value, interval = bootstrap(mean_of(values), np.arange(400))
    assert value == 0.75
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * math.sqrt(0.75 * 0.25 / 400), rel=0.1)
    assert bootstrap(mean_of(values), np.arange(400)) == (value, interval)


def test_turns_that_fail_together_widen_the_interval() -> None:
    values = np.repeat((np.random.default_rng(0).random(60) < 0.5).astype(float), 10)
    _, together = bootstrap(mean_of(values), np.repeat(np.arange(60), 10))
    _, apart = bootstrap(mean_of(values), np.arange(600))
    assert together.high - together.low > 2.5 * (apart.high - apart.low)


def test_one_cluster_has_no_interval() -> None:
    value, interval = bootstrap(mean_of(np.array([1.0, 0.0])), np.zeros(2, np.int64))
    assert value == 0.5
    assert math.isnan(interval.low)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30))
def test_auc_counts_pairs(rows: list[tuple[int, bool]]) -> None:
    score, kind = np.array([s for s, _ in rows], float), np.array([k for _, k in rows])
    pairs = [(a, b) for a in score[kind] for b in score[~kind]]
    found = auc_of(score, kind)(np.ones(len(rows)))
    if not pairs:
        assert math.isnan(found)
        return
    wins = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs)
    assert found == pytest.approx(wins / len(pairs))
    assert auc_of(-score, kind)(np.ones(len(rows))) == pytest.approx(1 - found)
    weights = np.arange(1, len(rows) + 1)
    again = auc_of(np.repeat(score, weights), np.repeat(kind, weights))(np.ones(weights.sum()))
    assert auc_of(score, kind)(weights.astype(float)) == pytest.approx(again)


def test_calibration_by_hand() -> None:
    bins = reliability(np.array([0.1, 0.1, 0.9, 0.9]), np.array([0.0, 1.0, 1.0, 1.0]), bins=10)
    assert [(b.n, b.said, b.happened) for b in bins] == [(2, pytest.approx(0.1), 0.5), (2, pytest.approx(0.9), 1.0)]
    assert calibration_error(bins) == pytest.approx((0.4 + 0.1) / 2)
    assert calibration_error(()) == 0.0


def test_probabilities_that_come_true_have_no_calibration_error() -> None:
    draw = np.random.default_rng(0)
    said = draw.random(50_000)
    assert calibration_error(reliability(said, (draw.random(50_000) < said).astype(float))) < 0.01


def test_need_and_none_are_scores_of_what_the_classifier_says() -> None:
    assert need_of(Classification()) == 0.5
    assert need_of(Classification(difficulty=Score(0.7, 1.0))) == 0.7
    assert none_of({"a": 0.5, "b": 0.25}) == 0.25
    assert none_of({"a": 0.8, "b": 0.4}) == 0.0
    assert none_of({}) == 1.0
