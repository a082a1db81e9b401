"""Confidence intervals: Wilson's for one proportion, the bootstrap over clusters for everything else.

A cluster is a conversation (or a single case outside of one): turns of a conversation succeed and fail together, so
that drawing single turns would make intervals too narrow.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LEVEL = 0.95
"""Confidence of every interval."""

REPLICATES = 1_000
"""Draws of the bootstrap."""

SEED = 20_240_618
"""Of the bootstrap: equal data give equal intervals."""

_Z = 1.959963984540054
"""Normal quantile of LEVEL, two-sided."""


class Interval(NamedTuple):
    """Both ends of a confidence interval; NaN where it cannot be told."""

    low: float
    high: float


def wilson(right: float, n: float) -> Interval:
    """Wilson's score interval of a proportion of independent trials; (0, 1) without trials."""
    if n <= 0:
        return Interval(0.0, 1.0)
    p = right / n
    centre = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n * n))
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


Statistic = Callable[[Array], float]
"""A figure from the weights of all cases, shape (n,); may be NaN."""


def bootstrap(
    statistic: Statistic, clusters: Array, *, replicates: int = REPLICATES, seed: int = SEED
) -> tuple[float, Interval]:
    """The figure with all weights 1, and its percentile interval over draws of whole clusters with replacement.

    `clusters` numbers the cluster of each case, from 0 without gaps, shape (n,). Draws that give NaN are left out; an
    interval of fewer than two clusters, or with half of its draws NaN, is NaN.
    """
    (found,) = bootstrap_all(lambda weights: (statistic(weights),), clusters, replicates=replicates, seed=seed)
    return found


def bootstrap_all(
    statistics: Callable[[Array], Sequence[float]],
    clusters: Array,
    *,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> list[tuple[float, Interval]]:
    """The same for several figures that are computed together."""
    values = np.array(statistics(np.ones(len(clusters))), np.float64)
    count = int(clusters.max(initial=-1)) + 1
    if count < 2 or np.isnan(values).all():
        return [(float(value), Interval(math.nan, math.nan)) for value in values]
    draw = np.random.default_rng(seed)
    found = np.empty((replicates, len(values)))
    for i in range(replicates):
        drawn = np.bincount(draw.integers(count, size=count), minlength=count)
        found[i] = statistics(drawn[clusters].astype(np.float64))
    return [(float(value), _middle(column)) for value, column in zip(values, found.T, strict=True)]


def _middle(found: Array) -> Interval:
    known = found[~np.isnan(found)]
    if 2 * len(known) < max(len(found), 1):
        return Interval(math.nan, math.nan)
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def mean_of(values: Array) -> Statistic:
    """The weighted mean of some values as a statistic."""

    def mean(weights: Array) -> float:
        total = float(weights.sum())
        return float(weights @ values) / total if total > 0 else math.nan

    return mean
