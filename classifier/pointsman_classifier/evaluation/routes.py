"""How well cases were routed: accuracy by turn, span and conversation, out-of-scope detection, calibration."""

import math
from typing import NamedTuple

import numpy as np

from pointsman_classifier.evaluation.calibration import Bin, calibration_error, reliability
from pointsman_classifier.evaluation.intervals import Array, Interval, bootstrap, mean_of, wilson
from pointsman_classifier.evaluation.ranking import auc_of

NONE = -1
"""The number of "no route fits" (the default route), and of an unknown language."""


class Routed(NamedTuple):
    """What became of n cases, in the order in which they were asked; arrays of shape (n,)."""

    truth: Array
    """Number of the right route, or NONE."""
    chosen: Array
    """Number of the route that the plan took, or NONE for the default."""
    alone: Array
    """The same if each case had been a conversation's first."""
    best: Array
    """The route that scored most, whatever its score; NONE where the classifier was not asked."""
    score: Array
    """Its score, 0 to 1; NaN where the classifier was not asked."""
    outside: Array
    """How likely it is that no route fits, 0 to 1."""
    seconds: Array
    """The classifier's own time; NaN where it was not asked."""
    language: Array
    """Number of the case's language, or NONE."""
    conversation: Array
    """Number of the case's conversation from 0 without gaps; a case outside of one has its own."""
    named: Array
    """Whether the case is a turn of a conversation that its file names; boolean."""


class Figure(NamedTuple):
    """A value, its 95% interval, and the number of cases (or conversations, or spans) behind it."""

    value: float
    interval: Interval
    n: int


class RouteFigure(NamedTuple):
    """How one route fared."""

    cases: int
    """Cases that belong to it."""
    taken: int
    """Cases that it took."""
    right: int
    """Cases that it took and that belong to it."""

    @property
    def recall(self) -> float:
        """Share of its cases that it took; NaN without any."""
        return self.right / self.cases if self.cases else math.nan

    @property
    def precision(self) -> float:
        """Share of what it took that belongs to it; NaN where it took nothing."""
        return self.right / self.taken if self.taken else math.nan


class RouteSummary(NamedTuple):
    """Everything that is reported of routed cases."""

    accuracy: Figure
    alone: Figure
    """Accuracy without sessions."""
    by_conversation: Figure
    """Share of the conversations of which every turn was right; where the file names none, every case is one."""
    by_span: Figure
    """Share of the runs of turns of one right route of which every turn was right."""
    in_scope: Figure
    """Accuracy where a route fits."""
    top_route: Figure
    """Share of these where the right route scored most, whatever its score."""
    out_of_scope: Figure
    """Accuracy where none fits."""
    out_of_scope_auc: Figure
    routes: tuple[RouteFigure, ...]
    """By number of the route; the last one is "none"."""
    languages: tuple[Figure, ...]
    """Accuracy by number of the language."""
    confusion: Array
    """Counts by right and by chosen route, the last of each being "none": shape (routes + 1, routes + 1)."""
    reliability: tuple[Bin, ...]
    calibration_error: float
    floors: tuple[tuple[float, float, float, float], ...]
    """Score that a route must reach; accuracy, in scope and out of scope, each case alone and by scores only."""
    p50: float
    """Seconds; NaN where the classifier was never asked."""
    p99: float


def summarise(found: Routed, routes: int, languages: int) -> RouteSummary:
    """All figures of at least one case. Intervals: bootstrap over conversations; Wilson's for languages."""
    right = (found.chosen == found.truth).astype(np.float64)
    inside = found.truth != NONE
    asked = ~np.isnan(found.score)
    bins = reliability(found.score[asked], (found.best == found.truth)[asked].astype(np.float64))
    confusion = np.zeros((routes + 1, routes + 1), np.int64)
    np.add.at(confusion, (found.truth, found.chosen), 1)  # NONE is the last row and column
    times = found.seconds[~np.isnan(found.seconds)]
    return RouteSummary(
        accuracy=_mean(right, found.conversation),
        alone=_mean((found.alone == found.truth).astype(np.float64), found.conversation),
        by_conversation=_whole(found, right, found.conversation),
        by_span=_whole(found, right, spans(found.conversation, found.truth)),
        in_scope=_mean(right, found.conversation, inside),
        top_route=_mean((found.best == found.truth).astype(np.float64), found.conversation, inside),
        out_of_scope=_mean(right, found.conversation, ~inside),
        out_of_scope_auc=_auc(found, ~inside),
        routes=tuple(_route(confusion, i) for i in range(routes + 1)),
        languages=tuple(_language(right[found.language == i]) for i in range(languages)),
        confusion=confusion,
        reliability=bins,
        calibration_error=calibration_error(bins),
        floors=_floors(found, inside),
        p50=float(np.quantile(times, 0.5)) if len(times) else math.nan,
        p99=float(np.quantile(times, 0.99)) if len(times) else math.nan,
    )


def spans(conversation: Array, truth: Array) -> Array:
    """Numbers the runs of neighbouring turns of a conversation that belong to one route, shape (n,), n > 0."""
    starts = np.r_[True, (conversation[1:] != conversation[:-1]) | (truth[1:] != truth[:-1])]
    numbers: Array = np.cumsum(starts) - 1
    return numbers


def _mean(values: Array, clusters: Array, where: Array | None = None) -> Figure:
    if where is not None:
        values, clusters = values[where], np.unique(clusters[where], return_inverse=True)[1]
    if not len(values):
        return Figure(math.nan, Interval(math.nan, math.nan), 0)
    return Figure(*bootstrap(mean_of(values), clusters), len(values))


def _whole(found: Routed, right: Array, group: Array) -> Figure:
    """The share of groups that are right throughout; a group lies within one conversation."""
    wrong = np.bincount(group, weights=1 - right)
    first = np.unique(group, return_index=True)[1]
    told = found.named[first] if found.named.any() else np.ones(len(first), bool)
    return _mean((wrong == 0).astype(np.float64), found.conversation[first], told)


def _auc(found: Routed, outside: Array) -> Figure:
    figure = bootstrap(auc_of(found.outside, outside), found.conversation)
    return Figure(*figure, int(outside.sum()))


def _route(confusion: Array, i: int) -> RouteFigure:
    return RouteFigure(int(confusion[i].sum()), int(confusion[:, i].sum()), int(confusion[i, i]))


def _language(right: Array) -> Figure:
    n = len(right)
    return Figure(float(right.mean()) if n else math.nan, wilson(float(right.sum()), n), n)


def _floors(found: Routed, inside: Array) -> tuple[tuple[float, float, float, float], ...]:
    table = []
    for percent in range(0, 100, 10):
        floor = percent / 100
        taken = np.where(found.score >= floor, found.best, NONE)
        right = taken == found.truth
        table.append((floor, _share(right), _share(right[inside]), _share(right[~inside])))
    return tuple(table)


def _share(right: Array) -> float:
    return float(right.mean()) if len(right) else math.nan
