"""Whether probabilities mean what they say."""

from typing import NamedTuple

import numpy as np

from pointsman_classifier.evaluation.intervals import Array, Interval, wilson

BINS = 15


class Bin(NamedTuple):
    """The cases whose probability fell between two bounds."""

    low: float
    high: float
    n: int
    said: float
    """Mean probability."""
    happened: float
    """Mean outcome."""
    interval: Interval
    """Of `happened`."""


def reliability(said: Array, happened: Array, bins: int = BINS) -> tuple[Bin, ...]:
    """Bins of equal width over probabilities `said`, shape (n,), with outcomes from 0 to 1; empty ones are left out."""
    place = np.clip((said * bins).astype(np.int64), 0, bins - 1)
    found = []
    for i in np.unique(place):
        here = place == i
        n, total = int(here.sum()), float(happened[here].sum())
        ends = (float(i) / bins, float(i + 1) / bins)
        found.append(Bin(*ends, n, float(said[here].mean()), total / n, wilson(total, n)))
    return tuple(found)


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """Expected calibration error: mean distance of what was said from what happened, weighted by cases, or 0."""
    total = sum(each.n for each in bins)
    return sum(each.n * abs(each.said - each.happened) for each in bins) / total if total else 0.0
