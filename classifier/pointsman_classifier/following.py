"""A conversation's turns in order: what is believed of the route after each, given what was believed before it.

The probability of each route after each other route, and after none, is a softmax of the turn's logits and those of
the move; beliefs are carried forward by it.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from pointsman_classifier.heads import softmax

Array = npt.NDArray[np.float32]

_BRANCHES = 8
"""Only so many of the likeliest routes before a turn are followed."""

_KNOWN, _KNOWN_TOO = np.float32(0.7), np.float32(0.2)
"""How much the route that was chosen for the turn before counts, without that turn's text and beside it."""


def follow(
    turns: Sequence[Array],
    nothing: Callable[[int, int | None], float],
    move: Callable[[int, int | None], Array],
    previous_route: int | None,
) -> Array:
    """Probabilities of the routes and, last, of none after the last of some turns.

    `turns` are the routes' logits, each of shape (n,). `nothing` gives the logit that none fits, and `move` what the
    move adds to the routes' logits, for a turn and the route before it (None: a conversation's start, or none).
    `previous_route` is the route that was chosen for the turn before the last.
    """
    belief = np.zeros(len(turns[0]) + 1, np.float32)
    belief[-1] = 1
    for t, logits in enumerate(turns):
        if t == len(turns) - 1 and previous_route is not None:
            known = _KNOWN if t == 0 else _KNOWN_TOO
            belief *= 1 - known
            belief[previous_route] += known
        belief = _step(logits, belief, t, nothing, move)
    return belief


def _step(
    logits: Array,
    belief: Array,
    t: int,
    nothing: Callable[[int, int | None], float],
    move: Callable[[int, int | None], Array],
) -> Array:
    after = np.zeros_like(belief)
    likely = [int(i) for i in np.argsort(-belief)[:_BRANCHES] if belief[i] > 0.01]
    for i in likely:
        before = None if i == len(logits) else i
        after += belief[i] * softmax(np.append(logits + move(t, before), np.float32(nothing(t, before))))
    found: Array = after / belief[likely].sum()
    return found
