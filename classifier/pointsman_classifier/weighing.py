"""What the learnt weights count: features of routes, of "none of them", and of going on from one route to another.

They are linear in what is observed of a turn, but for those of "none". So `scoring` never makes those of the routes
while it answers: it folds the weights over a policy once, by asking here what each observation adds.
"""

import numpy as np
import numpy.typing as npt

from pointsman_classifier.observing import AGREEMENT, BEST, CENTRED, FULL, LEARNT, PLAIN, SHOWN, Seen
from pointsman_classifier.view import View

Array = npt.NDArray[np.float32]

Rows = npt.NDArray[np.int64] | slice
"""Numbers of routes."""

EVERY = slice(None)

_MANY = 5.0
"""From so many examples a route on, what they teach is weighed as if there were any number."""

_ENOUGH, _ANSWERED = 6, 4

TURN_FEATURES = 4 * PLAIN + 1 + SHOWN + _ENOUGH + _ANSWERED
MOVE_FEATURES = 7
NULL_FEATURES = 5 + PLAIN + 3 + 2 * 6 + 2


def route_features(columns: Array, opening: bool, view: View) -> Array:
    """Features of each route from what was observed of one exchange, shape (COLUMNS, n): shape (n, TURN_FEATURES)."""
    seen = columns.T
    plain, shown, answered = seen[:, :PLAIN], seen[:, PLAIN : PLAIN + SHOWN], seen[:, PLAIN + SHOWN :]
    has, few, apart, first = view.has[:, None], _few(view), np.float32(view.diversity), np.float32(opening)
    taught, many = np.hstack([plain * has, shown]), has * (1 - few)
    kept = plain[:, AGREEMENT:]  # with many examples what they teach decides, beside the categories and the towers
    enough = np.hstack([kept, kept[:, :1] * apart, shown[:, -2:]]) * many
    plain = plain * (1 - many)
    return np.hstack([plain * (1 - has), has, taught * few, enough, plain * apart, plain * first, answered])


def null_features(seen: Seen, view: View, among: Rows = EVERY) -> Array:
    """Features of the possibility that no route `among` these fits, as at a conversation's start: shape
    (T, NULL_FEATURES)."""
    few, apart = _few(view), np.float32(view.diversity)
    plain = seen.columns[:, :PLAIN, among] * (1 - view.has[among] * (1 - few))
    best, means = plain.max(axis=2), np.add.reduce(plain[:, (FULL, CENTRED)], axis=2) / plain.shape[2]
    start, end = np.zeros((len(best), 5), np.float32), np.zeros((len(best), 2), np.float32)
    start[:] = 1, np.log(len(view.names)), view.has.mean(), 0, apart
    start[:, 3] = ~seen.opening
    taught = _taught(seen.columns[:, LEARNT, among], seen.columns[:, BEST, among])
    taught *= bool(len(view.kernel))
    agreement = best[:, AGREEMENT : AGREEMENT + 1] * apart
    return np.hstack([start, best, means, agreement, taught * few, taught * (1 - few), end])


def _taught(learnt: Array, likest: Array) -> Array:
    """What the examples of all routes together say of a turn: shape (T, 6)."""
    top = learnt.max(axis=1)
    total = top + np.log(np.exp(learnt - top[:, None]).sum(axis=1))
    sure = top - total
    return np.stack(
        [np.ones_like(top), total, top, sure, sure * np.float32(np.log(learnt.shape[1])), likest.max(axis=1)], axis=1
    )


def move_features(previous: int | None, near: Array, siblings: npt.NDArray[np.bool_], turning: Array) -> Array:
    """Features of each route after `previous`, a number of a route: shape (n, MOVE_FEATURES)."""
    n = len(near)
    if previous is None:
        return np.zeros((n, MOVE_FEATURES), np.float32)
    same, (stays, sibling) = np.zeros(n, np.float32), turning
    same[previous] = 1
    a, b = siblings[previous], near[previous]
    return np.stack([same, same * stays, a, a * stays, a * sibling, b, b * stays], axis=1)


def null_move_features(turning: Array) -> Array:
    """What `null_features` has at its end after any route."""
    return np.array([1, turning[0]], np.float32)


def _few(view: View) -> np.float32:
    return np.float32(max(0.0, 1.0 - view.examples_a_route / _MANY))
