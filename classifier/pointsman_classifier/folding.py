"""What the scorer makes of a policy before any request: the learnt weights folded over what its routes are."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pointsman_classifier import dialogue
from pointsman_classifier.observing import COLUMNS
from pointsman_classifier.routes import Prototypes
from pointsman_classifier.view import View, view
from pointsman_classifier.weighing import (
    TURN_FEATURES,
    Rows,
    move_features,
    null_move_features,
    route_features,
)

Array = npt.NDArray[np.float32]


class Weights(NamedTuple):
    """What the artefact holds beside the reading of descriptions."""

    request_centre: Array
    assistant_centre: Array
    turning: Array
    """From both turns' centred embeddings and a 1 to two logits: the user goes on with the same route; if not, with one
    of the same domain. Shape (1025, 2)."""
    routes: Array
    """Shape (TURN_FEATURES + MOVE_FEATURES,)."""
    nothing: Array
    """Shape (NULL_FEATURES,)."""


class Folded(NamedTuple):
    """A policy's routes, and the weights of their features folded over what is observed of a turn. n routes."""

    view: View
    slopes: Array
    """What each observation adds to a route's logit after an assistant's turn, and at an opening: (2, COLUMNS, n)."""
    levels: Array
    """Its logit without any, shape (2, n)."""
    moves: Array
    """What a move adds, from each route to each, none being the last: as it is, by the logit that the user stays, and
    by the logit of the same domain. Shape (3, n + 1, n + 1)."""
    ways: dialogue.Ways | None
    """For the filter that replaces those where no route has examples; else None."""


def fold(routes: Prototypes, weights: Weights, doing: Array) -> Folded:
    """Make everything that depends on the policy alone; `doing` is the filter's (`dialogue.Dialogue`)."""
    seen = view(routes, weights.request_centre, weights.assistant_centre)
    ways = None if seen.has.any() else dialogue.ways(routes, doing)
    return Folded(seen, *_slopes(seen, weights.routes[:TURN_FEATURES]), _moves(seen, weights), ways)


def _slopes(seen: View, weights: Array) -> tuple[Array, Array]:
    """`Folded.slopes` and `Folded.levels`: the logits that nothing, and one of each observation, would have."""
    ones = np.zeros((COLUMNS + 1, COLUMNS, len(seen.names)), np.float32)
    ones[np.arange(COLUMNS), np.arange(COLUMNS)] = 1
    logits = np.array(
        [[route_features(columns, opening, seen) @ weights for columns in ones] for opening in (False, True)]
    )
    levels = logits[:, -1]
    return logits[:, :-1] - levels[:, None], levels


def _moves(seen: View, weights: Weights) -> Array:
    """`Folded.moves`, asked of the features in the same way."""
    n = len(seen.names)
    moves = np.zeros((3, n + 1, n + 1), np.float32)
    for i, turning in enumerate(np.array([[0, 0], [1, 0], [0, 1]], np.float32)):
        for previous in range(n):
            features = move_features(previous, seen.near, seen.siblings, turning)
            moves[i, previous, :n] = features @ weights.routes[TURN_FEATURES:]
        moves[i, :n, n] = null_move_features(turning) @ weights.nothing[-2:]
    moves[1:] -= moves[0]
    return moves


def between(moves: Array, among: Rows) -> Array:
    """The moves from and to the eligible routes, and none."""
    if isinstance(among, slice):
        return moves
    rows = np.append(among, -1)
    found: Array = moves[:, rows[:, None], rows]
    return found
