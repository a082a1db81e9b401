"""What a policy's own examples say of requests that belong to it."""

import numpy as np
import pytest
from pointsman_classifier.learnt import PENALTY, fitted, learn
from pointsman_classifier.usual import SIGNS, SPREAD, alike, beside, log_total, signs, usual, without_itself
from pointsman_classifier.vectors import unit


def clouds(noise: float, routes: int = 4, each: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around some centres, and which one each is of."""
    draw = np.random.default_rng(4)
    owners = np.repeat(np.arange(routes), each)
    spread = draw.normal(0, noise, (len(owners), 512)) / np.sqrt(512)
    return unit((unit(draw.normal(0, 1, (routes, 512)))[owners] + spread).astype(np.float32)), owners


@pytest.mark.parametrize("noise", [0.5, 1.5, 4.0])
def test_leaving_one_out_is_near_what_a_fit_without_it_says(noise: float) -> None:
    vectors, owners = clouds(noise)
    cosines = vectors @ vectors.T
    kernel, targets = 1.6 * np.exp(2 * (cosines - 1)).astype(np.float32), np.eye(4, dtype=np.float32)[owners]
    weights, bias = fitted(kernel, targets)
    whole = kernel @ weights + bias
    guessed, _ = without_itself(kernel, whole, targets, PENALTY / 4 * len(owners), np.arange(len(owners)))
    right = np.empty_like(guessed)
    for i in range(len(owners)):
        rest = np.arange(len(owners)) != i
        weights, bias = fitted(kernel[np.ix_(rest, rest)], targets[rest])
        right[i] = kernel[i, rest] @ weights + bias
    wanted, found, flattered = (usual(each, cosines, owners) for each in (right, guessed, whole))
    assert abs(found.level - wanted.level).max() < 0.35
    assert abs(found.level - wanted.level).max() < abs(flattered.level - wanted.level).max()
    assert abs(found.facts[2] - wanted.facts[2]) < 0.15


def test_variants_of_an_example_tell_nothing_of_the_others() -> None:
    """Each example twice is as if it were there once, not as if every request had a twin."""
    vectors, owners = clouds(1.5)
    texts = [f"text number {i}" for i in range(len(owners))]
    once = learn(texts, vectors, owners, 4, len(owners)).usual
    twice = learn(texts * 2, np.vstack([vectors] * 2), np.concatenate([owners] * 2), 4, 2 * len(owners)).usual
    assert np.allclose(twice.level[2], once.level[2])
    assert abs(twice.level - once.level).max() < 0.5
    assert alike(np.ones((3, 3), np.float32)).tolist() == [0, 0, 0]


def test_a_request_like_the_examples_has_no_unusual_sign() -> None:
    vectors, owners = clouds(1.0)
    cosines = vectors @ vectors.T
    logits = np.eye(4, dtype=np.float32)[owners] * 3
    seen = usual(logits, cosines, owners)
    others = np.where(np.eye(len(owners), dtype=bool), -1, cosines)
    found = beside(signs(logits, others.max(axis=1)), seen)
    assert found.shape == (len(owners), SIGNS + SPREAD)
    assert np.allclose(found[:, :SIGNS].mean(axis=0), 0, atol=1e-5)
    far = beside(signs(np.zeros((1, 4), np.float32), np.array([-1], np.float32)), seen)
    assert (far < 0).all()
    assert far[:, SIGNS:].min() >= -4


def test_one_example_alone_is_enough() -> None:
    seen = usual(np.array([[1.0, 0.0]], np.float32), np.ones((1, 1), np.float32), np.array([0]))
    assert all(np.isfinite(part).all() for part in seen)
    assert (seen.spread > 0).all()


def test_a_total_is_the_logarithm_of_the_sum() -> None:
    logits = np.array([[0.0, 0.0], [100.0, 0.0]], np.float32)
    assert np.allclose(log_total(logits), [np.log(2), 100])


def test_a_regression_that_is_too_sure_still_counts() -> None:
    """Examples of which the others tell none, though the regression is sure of all."""
    vectors, owners = clouds(4.0)
    sure_and_wrong = np.eye(4, dtype=np.float32)[(owners + 1) % 4] * 20
    unsure_and_right = np.eye(4, dtype=np.float32)[owners] * 0.01
    assert usual(sure_and_wrong, vectors @ vectors.T, owners).modesty == 0
    assert 0 < usual(unsure_and_right, vectors @ vectors.T, owners).modesty <= 3
