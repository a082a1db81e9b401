"""What the learnt weights count: features of routes, of "none of them", and of going on from one route to another.

They are linear in what is observed of a turn, but for those of "none". So `scoring` never makes those of the routes
while it answers: it folds the weights over a policy once, by asking here what each observation adds.
"""

import numpy as np
import numpy.typing as npt

from pointsman_classifier.observing import AGREEMENT, BEST, CENTRED, FULL, LEARNT, PLAIN, SHOWN, Seen
from pointsman_classifier.usual import FACTS, SIGNS, SPREAD, beside, signs
from pointsman_classifier.view import View

Array = npt.NDArray[np.float32]

Rows = npt.NDArray[np.int64] | slice
"""Numbers of routes."""

EVERY = slice(None)

_MANY = 5.0
"""From so many examples a route on, what they teach is weighed as if there were any number."""

_ENOUGH, _ANSWERED = 7, 4

TURN_FEATURES = 4 * PLAIN + 1 + SHOWN + _ENOUGH + _ANSWERED
MOVE_FEATURES = 7
DESCRIBED = 4 + PLAIN + 3
"""Features of "none" for policies without examples, which come first."""
TAUGHT, ABOUT = 1 + SIGNS + SPREAD, 1 + FACTS
"""Those for policies with examples: what is compared with them, once for many and once for few, and the policy's."""
NULL_FEATURES = DESCRIBED + 2 * TAUGHT + ABOUT + PLAIN + 2
_PARTS = (TAUGHT, 2 * TAUGHT, 2 * TAUGHT + ABOUT)


def route_features(columns: Array, opening: bool, view: View) -> Array:
    """Features of each route from what was observed of one exchange, shape (COLUMNS, n): shape (n, TURN_FEATURES)."""
    seen = columns.T
    plain, shown, answered = seen[:, :PLAIN], seen[:, PLAIN : PLAIN + SHOWN], seen[:, PLAIN + SHOWN :]
    has, few, apart, first = view.has[:, None], _few(view), np.float32(view.diversity), np.float32(opening)
    taught, many = np.hstack([plain * has, shown]), has * (1 - few)
    kept = plain[:, AGREEMENT:]  # with many examples what they teach decides, beside the categories and the towers
    modest = shown[:, LEARNT - PLAIN, None] * (0 if view.usual is None else view.usual.modesty)
    enough = np.hstack([kept, kept[:, :1] * apart, shown[:, -2:], modest]) * many
    plain = plain * (1 - many)
    return np.hstack([plain * (1 - has), has, taught * few, enough, plain * apart, plain * first, answered])


def null_features(seen: Seen, view: View, among: Rows = EVERY) -> Array:
    """Features of the possibility that no route `among` these fits, as at a conversation's start: shape
    (T, NULL_FEATURES). With examples they tell how much likelier that is than all routes together, else how likely."""
    features = np.zeros((len(seen.columns), NULL_FEATURES), np.float32)
    few, apart = _few(view), np.float32(view.diversity)
    plain = seen.columns[:, :PLAIN, among] * (1 - view.has[among] * (1 - few))
    best, size = plain.max(axis=2), np.float32(np.log(plain.shape[2]))
    if view.usual is not None:
        found = signs(seen.columns[:, LEARNT, among], seen.columns[:, BEST, among].max(axis=1))
        many, shown, about, _ = np.split(features[:, DESCRIBED:-2], _PARTS, axis=1)
        many[:, 0], many[:, 1:] = 1, beside(found, view.usual)
        shown[:], about[:, 0], about[:, 1:] = few * many, size, view.usual.facts
        many *= 1 - few
        about *= 1 - few
        features[:, -2 - PLAIN : -2] = best
        return features
    features[:, 0], features[:, 1], features[:, 2], features[:, 3] = 1, size, ~seen.opening, apart
    features[:, 4 : 4 + PLAIN] = best
    features[:, 4 + PLAIN : 6 + PLAIN] = np.add.reduce(plain[:, (FULL, CENTRED)], axis=2) / plain.shape[2]
    features[:, DESCRIBED - 1] = best[:, AGREEMENT] * apart
    return features


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
