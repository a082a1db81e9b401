"""What each model can do, learnt from outcomes as a backend's `quality` states it, and what it then is expected to do.

The link is the router's own (pointsman/core/decide/estimate.py): a model's quality per category is its chance at a
request of middling difficulty, and the request's difficulty shifts it. To judge outcomes by abilities that were learnt
from the same outcomes would flatter, so they are learnt on some folds and judged on the other.
"""

from collections.abc import Sequence

import numpy as np

from pointsman.core.categories import ANY_CATEGORY
from pointsman.core.decide.estimate import Need, expected_quality
from pointsman.core.snapshot import Backend
from pointsman_classifier.evaluation.intervals import Array

FOLDS = 5

_PRIOR_CASES = 20.0
"""Weight of a model's overall quality beside the cases of one category."""

_EDGE = 0.005
"""Qualities are kept this far from 0 and 1."""

_STEPS = 30
"""Halvings of the interval in which an ability is sought: more than enough for five digits."""


def folds_of(keys: Sequence[bytes]) -> Array:
    """A fold for each case by its key (a digest of its text), shape (n,): equal texts are in one fold."""
    return np.array([int.from_bytes(key[:8]) % FOLDS for key in keys], np.int64)


def expected_by_folds(needs: Sequence[Need], quality: Array, folds: Array) -> Array:
    """Expected quality of each model for each case, shape (n, models), learnt on the other folds."""
    expected = np.full(quality.shape, np.nan)
    for fold in np.unique(folds):
        here = folds == fold
        known = ~here if (~here).any() else here  # a single fold has no other to learn from
        backends = fit([need for need, k in zip(needs, known, strict=True) if k], quality[known])
        expected[here] = expect([need for need, h in zip(needs, here, strict=True) if h], backends)
    return expected


def expect(needs: Sequence[Need], backends: Sequence[Backend]) -> Array:
    """Expected quality by the router's own estimate, shape (n, backends)."""
    return np.array([[expected_quality(backend, need) for backend in backends] for need in needs]).reshape(
        len(needs), len(backends)
    )


def fit(needs: Sequence[Need], quality: Array) -> list[Backend]:
    """For each column of `quality`, shape (n, models), a backend that states what was learnt of it."""
    shift = np.array([need.shift for need in needs])
    names = sorted({name for need in needs for name, _ in need.categories})
    share = np.zeros((len(needs), len(names)))
    for row, need in enumerate(needs):
        for name, part in need.categories:
            share[row, names.index(name)] = part
    backends = []
    for model in range(quality.shape[1]):
        overall = _ability(shift, quality[:, model], np.ones(len(needs)), 0.0, 1.0)
        stated = {ANY_CATEGORY: _chance(overall)}
        for column, name in enumerate(names):
            ability = _ability(shift, quality[:, model], share[:, column], overall, _PRIOR_CASES)
            stated[name] = _chance(ability)
        backends.append(Backend(namespace="evaluation", name=f"model-{model}", model=f"model-{model}", quality=stated))
    return backends


def _ability(shift: Array, quality: Array, weight: Array, prior: float, prior_weight: float) -> float:
    """The ability whose expected outcomes add up to the observed ones; cases at the prior's ability pull it there."""
    low, high = -12.0, 12.0
    target = float(weight @ quality) + prior_weight * _sigmoid(prior)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        said = float(weight @ (1 / (1 + np.exp(shift - middle)))) + prior_weight * _sigmoid(middle)
        low, high = (middle, high) if said < target else (low, middle)
    return (low + high) / 2


def _sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def _chance(ability: float) -> float:
    return min(max(_sigmoid(ability), _EDGE), 1 - _EDGE)
