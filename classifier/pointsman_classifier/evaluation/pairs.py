"""A strong and a weak model: how much of the gap between them is won for how many calls of the strong one.

The definitions are those of RouteLLM (arXiv 2406.18665) and its published evaluation: PGR is the share of the quality
gap that is recovered; APGR the area under PGR over the share of strong calls, taken by the trapezoid rule at eleven
shares (0, 10, ... 100%); CPT(x) the smallest share at which PGR reaches x on that curve. Random routing has an APGR of
one half. Requests with equal scores count as if sent in random order, not in the order of the file: PGR is linear
between the shares before and after them.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pointsman_classifier.evaluation.intervals import Array, Statistic

SHARES = np.linspace(0.0, 1.0, 11)
"""Shares of strong calls at which the curve is read."""


class Pair(NamedTuple):
    """Qualities of both models, between 0 and 1, shape (n,) each."""

    strong: Array
    weak: Array

    @property
    def gap(self) -> float:
        """How much better the strong model is on average."""
        return float((self.strong - self.weak).mean())


def recovered(need: Array, pair: Pair, weights: Array | None = None) -> Array:
    """PGR at SHARES when the requests of the highest `need` go to the strong model, shape (11,).

    NaN where the strong model is not better (a draw of the bootstrap may be so).
    """
    order, ends = _order(need)
    return _recovered(pair, order, ends, np.ones(len(need)) if weights is None else weights)


def _order(need: Array) -> tuple[Array, Array]:
    """Cases by falling need, and the last place of each group of equal ones."""
    order = np.argsort(-need, kind="stable")
    ordered = need[order]
    return order, np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])


def _recovered(pair: Pair, order: Array, ends: Array, weights: Array) -> Array:
    w = weights[order]
    share = np.r_[0.0, np.cumsum(w)[ends]]
    won = np.r_[0.0, np.cumsum(w * (pair.strong - pair.weak)[order])[ends]]
    if won[-1] <= 0:
        return np.full(len(SHARES), math.nan)
    curve: Array = np.interp(SHARES, share / share[-1], won / won[-1])
    return curve


def area(curve: Array) -> float:
    """APGR of a curve at SHARES."""
    return float(np.trapezoid(curve, SHARES))


def calls_for(curve: Array, reached: float) -> float:
    """CPT: the smallest share of strong calls at which the curve reaches this PGR (0 to 1), between points linearly."""
    if np.isnan(curve).any():
        return math.nan
    above = int(np.argmax(curve >= reached - 1e-12))
    if above == 0:
        return 0.0
    before, after = float(curve[above - 1]), float(curve[above])
    part = (reached - before) / (after - before)
    return float(SHARES[above - 1] + part * (SHARES[above] - SHARES[above - 1]))


def statistics_of(need: Array, pair: Pair) -> Callable[[Array], tuple[float, float, float]]:
    """APGR, CPT(50) and CPT(80) as statistics of one curve."""
    order, ends = _order(need)

    def figures(weights: Array) -> tuple[float, float, float]:
        curve = _recovered(pair, order, ends, weights)
        return area(curve), calls_for(curve, 0.5), calls_for(curve, 0.8)

    return figures


def apgr_of(need: Array, pair: Pair) -> Statistic:
    """APGR alone as a statistic."""
    order, ends = _order(need)
    return lambda weights: area(_recovered(pair, order, ends, weights))
