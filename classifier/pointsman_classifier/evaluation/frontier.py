"""Cost against quality, for many models.

AIQ is RouterBench's (arXiv 2403.12031): the mean height of the non-decreasing convex hull of a router's points over the
costs between the cheapest and the dearest single model. The hull is what mixing two settings at random achieves.
"""

import math
from typing import NamedTuple

import numpy as np

from pointsman_classifier.evaluation.intervals import Array

BANDS = np.r_[0.0, np.geomspace(0.001, 0.5, 60), 1.0]
"""Widths of the quality band (`objective.qualityBandPercent`, as fractions) that trace a router's curve."""

_EQUAL = 1e-9


class Frontier(NamedTuple):
    """Points of rising cost and quality, concave between them; shape (k,) each."""

    cost: Array
    quality: Array


def hull(cost: Array, quality: Array) -> Frontier:
    """The non-decreasing convex hull of some points: the best that mixing them gives at each cost."""
    order = np.lexsort((-quality, cost))
    kept: list[tuple[float, float]] = []
    for x, y in zip(cost[order].tolist(), quality[order].tolist(), strict=True):
        if kept and (y <= kept[-1][1] or x <= kept[-1][0]):
            continue
        while len(kept) > 1 and _below(kept[-2], kept[-1], (x, y)):
            kept.pop()
        kept.append((x, y))
    points = np.array(kept).reshape(-1, 2)
    return Frontier(points[:, 0], points[:, 1])


def _below(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether b lies on or under the line from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) <= (c[1] - a[1]) * (b[0] - a[0])


def quality_at(frontier: Frontier, cost: float) -> float:
    """The quality that this much money buys; NaN below the cheapest point."""
    if cost < frontier.cost[0] - _EQUAL * max(1.0, abs(frontier.cost[0])):
        return math.nan
    return float(np.interp(cost, frontier.cost, frontier.quality))


def cost_of(frontier: Frontier, quality: float) -> float:
    """What this quality costs; NaN where it is never reached."""
    if quality > frontier.quality[-1] + _EQUAL:
        return math.nan
    return float(np.interp(quality, frontier.quality, frontier.cost))


def aiq(frontier: Frontier, low: float, high: float) -> float:
    """Mean quality over the costs from `low` to `high`; below the cheapest point as good as that point."""
    if high <= low:
        return float(np.interp(low, frontier.cost, frontier.quality))
    inside = frontier.cost[(frontier.cost > low) & (frontier.cost < high)]
    costs = np.r_[low, inside, high]
    return float(np.trapezoid(np.interp(costs, frontier.cost, frontier.quality), costs) / (high - low))


def chosen_in_band(expected: Array, cost: Array, band: float) -> Array:
    """Which model the router's Balanced objective takes, shape (n,): the cheapest of those whose expected quality is
    within `band` of the best; of equally dear ones the better. Both inputs have shape (n, models)."""
    fits = expected >= expected.max(axis=1, keepdims=True) - band - _EQUAL
    price = np.where(fits, cost, math.inf)
    cheapest = price <= price.min(axis=1, keepdims=True) * (1 + _EQUAL)
    choice: Array = np.where(cheapest, expected, -math.inf).argmax(axis=1)
    return choice


class Trace(NamedTuple):
    """What each case costs and gets at each of BANDS, shape (bands, n) each."""

    cost: Array
    quality: Array

    def points(self, weights: Array) -> Frontier:
        """Mean cost and quality at each band, not yet a hull."""
        return Frontier(self.cost @ weights / weights.sum(), self.quality @ weights / weights.sum())


def trace(expected: Array, cost: Array, quality: Array) -> Trace:
    """Follows the Balanced objective through its bands; inputs have shape (n, models)."""
    rows = np.arange(len(expected))
    chosen = [chosen_in_band(expected, cost, band) for band in BANDS]
    return Trace(np.array([cost[rows, c] for c in chosen]), np.array([quality[rows, c] for c in chosen]))
