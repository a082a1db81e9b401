"""What choosing between a strong and a weak model is worth, beside what other orders would give."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from pointsman_classifier.evaluation.calibration import Bin, calibration_error, reliability
from pointsman_classifier.evaluation.intervals import Array, bootstrap, bootstrap_all, mean_of
from pointsman_classifier.evaluation.pairs import Pair, apgr_of, calls_for, recovered, statistics_of
from pointsman_classifier.evaluation.routes import Figure

LEAST = 50
"""Cases of a category of which an APGR is told."""


class Baseline(NamedTuple):
    """Another order of the same cases."""

    apgr: Figure
    cpt50: float
    cpt80: float
    curve: Array
    """PGR at the shares of `pairs.SHARES`."""


class TwoSummary(NamedTuple):
    """Everything that is reported of a pair."""

    apgr: Figure
    cpt50: Figure
    cpt80: Figure
    strong: Figure
    """Mean quality of the strong model."""
    weak: Figure
    curve: Array
    baselines: Mapping[str, Baseline]
    """random, prompt length, oracle."""
    categories: Mapping[str, Figure]
    """APGR within each category of at least LEAST cases."""
    reliability: tuple[Bin, ...]
    """Of the expected quality of both models."""
    calibration_error: float


def summarise(need: Array, pair: Pair, length: Array, category: Mapping[str, Array], expected: Array) -> TwoSummary:
    """All figures of a pair whose strong model is better on average.

    `need` and `length` (of the prompt) order the cases, shape (n,); `category` gives the rows of each; `expected` is
    the quality expected of (strong, weak), shape (n, 2). Intervals: bootstrap over cases.
    """
    n = len(need)
    clusters = np.arange(n)
    apgr, cpt50, cpt80 = (Figure(*each, n) for each in bootstrap_all(statistics_of(need, pair), clusters))
    orders = {"random": np.zeros(n), "prompt length": length, "oracle": pair.strong - pair.weak}
    bins = reliability(expected.ravel(), np.stack(pair, axis=1).ravel())
    return TwoSummary(
        apgr=apgr,
        cpt50=cpt50,
        cpt80=cpt80,
        strong=Figure(*bootstrap(mean_of(pair.strong), clusters), n),
        weak=Figure(*bootstrap(mean_of(pair.weak), clusters), n),
        curve=recovered(need, pair),
        baselines={name: _baseline(order, pair) for name, order in orders.items()},
        categories={name: found for name, rows in category.items() if (found := _within(need, pair, rows)) is not None},
        reliability=bins,
        calibration_error=calibration_error(bins),
    )


def _baseline(order: Array, pair: Pair) -> Baseline:
    curve = recovered(order, pair)
    figure = Figure(*bootstrap(apgr_of(order, pair), np.arange(len(order))), len(order))
    return Baseline(figure, calls_for(curve, 0.5), calls_for(curve, 0.8), curve)


def _within(need: Array, pair: Pair, rows: Array) -> Figure | None:
    here = Pair(pair.strong[rows], pair.weak[rows])
    if len(rows) < LEAST or here.gap <= 0:
        return None
    return Figure(*bootstrap(apgr_of(need[rows], here), np.arange(len(rows))), len(rows))
