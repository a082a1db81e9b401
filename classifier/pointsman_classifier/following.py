"""A conversation's turns in order: what is believed of the route after each, given what was believed before it.

The probability of each route after each other route, and after none, is a softmax of the turn's logits and those of
the move; beliefs are carried forward by it.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from pointsman_classifier.heads import softmax

Array = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

_BRANCHES = 8
"""Only so many of the likeliest routes before a turn are followed."""

_LEAST = 0.01
"""Beliefs below it are not followed."""

_KNOWN, KNOWN_TOO = np.float32(0.7), np.float32(0.2)
"""How much the route that was chosen for the turn before counts, without that turn's text and beside it."""


def follow(turns: Array, move: Callable[[int, Rows], Array], previous_route: int | None) -> Array:
    """Probabilities of the routes and, last, of none after the last of some turns.

    `turns` are the logits of the routes and of none, shape (turns, n + 1). `move` gives what the move adds to them, for
    a turn and some rows before it (the last row: a conversation's start, or none): shape (rows, n + 1).
    `previous_route` is the route that was chosen for the turn before the last.
    """
    belief = np.zeros(turns.shape[1], np.float32)
    belief[-1] = 1
    for t, logits in enumerate(turns):
        if t == len(turns) - 1 and previous_route is not None:
            known = _KNOWN if t == 0 else KNOWN_TOO
            belief *= 1 - known
            belief[previous_route] += known
        likely = np.flatnonzero(belief > _LEAST)
        if len(likely) > _BRANCHES:
            likely = np.argsort(-belief)[:_BRANCHES]
        before = belief[likely]
        belief = before @ softmax(logits + move(t, likely)) / before.sum()
    return belief
