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
