"""Area under the ROC curve, with ties counted as half and with weights."""

import math

import numpy as np

from pointsman_classifier.evaluation.intervals import Array, Statistic


def auc_of(score: Array, positive: Array) -> Statistic:
    """The probability that a positive case scores more than a negative one, as a statistic; NaN without both kinds.

    `score` has shape (n,) and `positive` is boolean. The order is found once, so that draws cost one pass each.
    """
    order = np.argsort(score, kind="stable")
    ordered, kind = score[order], positive[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.array([], np.int64)

    def auc(weights: Array) -> float:
        w = weights[order]
        up = np.add.reduceat(np.where(kind, w, 0.0), starts) if len(starts) else np.zeros(0)
        down = np.add.reduceat(np.where(kind, 0.0, w), starts) if len(starts) else np.zeros(0)
        pairs = float(up.sum() * down.sum())
        if pairs <= 0:
            return math.nan
        below = np.cumsum(down) - down
        return float(up @ (below + down / 2)) / pairs

    return auc
