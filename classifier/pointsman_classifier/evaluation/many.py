"""Choosing among several models by what is expected of each: what it costs, what it gains, and what is left to gain."""

import math
from typing import NamedTuple

import numpy as np

from pointsman_classifier.evaluation.calibration import Bin, calibration_error, reliability
from pointsman_classifier.evaluation.frontier import Frontier, Trace, aiq, cost_of, hull, quality_at, trace
from pointsman_classifier.evaluation.intervals import Array, bootstrap_all
from pointsman_classifier.evaluation.routes import Figure


class Trial(NamedTuple):
    """What is known of n cases and m models; shape (n, m) each."""

    expected: Array
    """Expected quality, 0 to 1."""
    quality: Array
    """Observed quality, 0 to 1."""
    cost: Array
    """Of one answer, in any unit; all equal where costs are not known."""


class Figures(NamedTuple):
    """What choosing gives. Figures that need costs are NaN where every model costs the same."""

    quality: Figure
    """Mean quality of always asking the model of the highest expectation."""
    gain: Figure
    """The same less the best single model's quality."""
    gap_to_oracle: Figure
    """What always asking the right model would add."""
    cost_at_equal_quality: Figure
    """What the best single model's quality costs by choosing, as a share of that model's cost; NaN if not reached."""
    quality_at_equal_cost: Figure
    """What the best single model's cost buys by choosing, less that model's quality."""
    aiq: Figure


class ManySummary(NamedTuple):
    """Everything that is reported of a trial."""

    figures: Figures
    best_single: int
    """The model of the best mean quality; of equal ones the cheapest."""
    oracle: float
    """Mean quality of the best model of each case."""
    aiq_singles: float
    """Of mixing single models at random."""
    aiq_oracle: float
    router: Frontier
    """By quality band."""
    singles: Frontier
    """Cost and quality of each model, in their order."""
    oracle_curve: Frontier
    reliability: tuple[Bin, ...]
    calibration_error: float


def summarise(trial: Trial) -> ManySummary:
    """All figures of at least one case. Intervals: bootstrap over cases."""
    ones = np.ones(len(trial.quality))
    ours, ideal = (trace(by, trial.cost, trial.quality) for by in (trial.expected, trial.quality))
    singles = _singles(trial, ones)
    low, high = float(singles.cost.min()), float(singles.cost.max())
    best_of_each = trial.quality.max(axis=1)
    found = bootstrap_all(lambda w: _values(trial, ours, best_of_each, w), np.arange(len(ones)))
    bins = reliability(trial.expected.ravel(), trial.quality.ravel())
    return ManySummary(
        figures=Figures(*(Figure(*each, len(ones)) for each in found)),
        best_single=best_single(singles),
        oracle=float(best_of_each.mean()),
        aiq_singles=aiq(hull(*singles), low, high) if high > low else math.nan,
        aiq_oracle=aiq(hull(*ideal.points(ones)), low, high) if high > low else math.nan,
        router=ours.points(ones),
        singles=singles,
        oracle_curve=hull(*ideal.points(ones)),
        reliability=bins,
        calibration_error=calibration_error(bins),
    )


def _singles(trial: Trial, weights: Array) -> Frontier:
    total = weights.sum()
    return Frontier(weights @ trial.cost / total, weights @ trial.quality / total)


def best_single(singles: Frontier) -> int:
    """The model of the best mean quality; of equal ones the cheapest."""
    return int(np.lexsort((singles.cost, -singles.quality))[0])


def _values(trial: Trial, ours: Trace, best_of_each: Array, weights: Array) -> tuple[float, ...]:
    """The fields of Figures, for some weights."""
    singles, points = _singles(trial, weights), ours.points(weights)
    best = best_single(singles)
    cost, quality = float(singles.cost[best]), float(singles.quality[best])
    reached = float(points.quality[0])  # the narrowest band
    gap = float(best_of_each @ weights / weights.sum()) - reached
    low, high = float(singles.cost.min()), float(singles.cost.max())
    if high <= low:
        return (reached, reached - quality, gap, math.nan, math.nan, math.nan)
    mixed = hull(*points)
    share = cost_of(mixed, quality) / cost if cost > 0 else math.nan
    return (reached, reached - quality, gap, share, quality_at(mixed, cost) - quality, aiq(mixed, low, high))
