"""Measures that the reports share."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def calibration_error(distributions: list[Array], targets: list[int]) -> float:
    """Expected calibration error of the best answer, in ten bins."""
    best = np.array([p.max() for p in distributions])
    right = np.array([p.argmax() == t for p, t in zip(distributions, targets, strict=True)])
    bins = np.minimum((best * 10).astype(int), 9)
    gaps = [abs(best[bins == b].mean() - right[bins == b].mean()) * np.mean(bins == b) for b in np.unique(bins)]
    return float(sum(gaps))


def auc(score: Array, positive: Array) -> float:
    """Area under the ROC curve."""
    rank = score.argsort().argsort() + 1
    n = int(positive.sum())
    return float((rank[positive].sum() - n * (n + 1) / 2) / (n * (len(score) - n)))


def apgr(score: Array, gained: Array) -> float:
    """Average performance gap recovered (arXiv 2406.18665): the share of what the strong model gains in all that is
    recovered when the rows of the highest score go to it, averaged over every share of rows. One half is chance."""
    recovered = np.concatenate([[0.0], np.cumsum(gained[np.argsort(-score, kind="stable")])]) / gained.sum()
    return float((recovered[1:] + recovered[:-1]).mean() / 2)


def rank_correlation(a: Array, b: Array) -> float:
    """Spearman's; ties in the order given."""
    return float(np.corrcoef(a.argsort(kind="stable").argsort(), b.argsort(kind="stable").argsort())[0, 1])


def binary_calibration_error(probability: Array, positive: Array, weight: Array) -> float:
    """Expected calibration error of a probability, in ten bins, rows counting by their weight."""
    bins = np.minimum((probability * 10).astype(int), 9)
    total, share = 0.0, weight / weight.sum()
    for b in np.unique(bins):
        inside = bins == b
        total += abs(float(share[inside] @ probability[inside] - share[inside] @ positive[inside]))
    return total
