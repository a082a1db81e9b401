"""What a request that belongs to a policy looks like to what was learnt of its examples: as they do themselves, each
looked at as if the others alone had been learnt.

How high a regression's logits and how near the nearest example are depends on the policy: seven topics are less sure
than seventy narrow intents. So "none of them" weighs a request's signs by how they differ from the usual ones.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

SIGNS, SPREAD = 4, 3
"""How many signs there are, and of how many the spread counts too."""

FACTS = 4

_CURVATURE = np.float32(0.1)
"""Of the loss at each text, as leaving one out is approximated; from .02 to .25 the means hardly differ."""

_SAME = 0.95
"""Examples with a higher cosine count as one: a variant of an example does not tell what the others do."""

_LEAST_SPREAD = np.array([0.3, 0.3, 0.03], np.float32)
_FARTHEST = np.float32(4)
_RAREST = 0.02
_MOST_MODEST = 3.0


class Usual(NamedTuple):
    """The signs of a policy's own examples."""

    level: Array
    """Mean of each sign, shape (SIGNS,)."""
    spread: Array
    """Deviation of the first ones, shape (SPREAD,)."""
    facts: Array
    """What "none" weighs of the policy itself: levels, and the share of examples that the others tell: (FACTS,)."""
    modesty: np.float32
    """How much likelier the best logit is right than it says, as a difference of log odds, 0 to _MOST_MODEST. Not
    below: a regression that is too sure of itself still ranks routes, and its logits shall never count for less than
    nothing."""


def signs(logits: Array, likest: Array) -> Array:
    """Of T turns by their logits, shape (T, n), and the cosines with their nearest examples, shape (T,): the total and
    the best of the logits, the cosine, and how sure the best one is. Shape (T, SIGNS)."""
    total, top = log_total(logits), logits.max(axis=1)
    return np.stack([total, top, likest, top - total], axis=1)


def log_total(logits: Array) -> Array:
    """Logarithm of the sum of the exponentials of each row."""
    top = logits.max(axis=1)
    total: Array = top + np.log(np.add.reduce(np.exp(logits - top[:, None]), axis=1))
    return total


def beside(found: Array, usual: Usual) -> Array:
    """How signs differ from the usual ones, as they are and in deviations: shape (T, SIGNS + SPREAD)."""
    apart = found - usual.level
    scaled = apart[:, :SPREAD] / usual.spread
    return np.hstack([apart, np.minimum(np.maximum(scaled, -_FARTHEST), _FARTHEST)])


def usual(logits: Array, cosines: Array, owners: npt.NDArray[np.int64]) -> Usual:
    """Of e examples: their logits without themselves, shape (e, n), the cosines among them, shape (e, e), and the route
    of each. One example alone is near to no other."""
    others = cosines - 2 * np.eye(len(cosines), dtype=np.float32)
    likest = others.max(axis=1) if len(others) > 1 else np.zeros(1, np.float32)
    found = signs(logits, likest)
    level = found.mean(axis=0)
    told, said = (logits.argmax(axis=1) == owners).mean(), np.exp(found[:, -1]).mean()
    facts = np.array([level[0], level[2], told, level[3]], np.float32)
    modesty = np.clip(_log_odds(told) - _log_odds(said), 0, _MOST_MODEST)
    return Usual(level, found[:, :SPREAD].std(axis=0) + _LEAST_SPREAD, facts, np.float32(modesty))


def _log_odds(share: np.floating[Any]) -> np.float32:
    kept = np.clip(share, _RAREST, 1 - _RAREST)
    return np.float32(np.log(kept / (1 - kept)))


def alike(cosines: Array) -> npt.NDArray[np.int64]:
    """Of e texts, by the cosines among them, the first one that each counts as one with: shape (e,)."""
    first: npt.NDArray[np.int64] = (cosines > _SAME).argmax(axis=1)
    return first


def without_itself(
    kernel: Array, fitted: Array, targets: Array, penalty: float, same: npt.NDArray[np.int64]
) -> tuple[Array, npt.NDArray[np.int64]]:
    """Logits of texts by a softmax regression that was fitted on the others, and which texts: those that are the first
    of all that count as the `same`, and are left out with it.

    Approximated from the regression fitted on all: `kernel` (e, e), its logits and targets (e, n), and the penalty on
    the weights' norm of the summed loss. The fit pulled a text's logits by what the error is, times how uncertain the
    others leave them; that is read off one inverse, with the same curvature of the loss at every text.
    """
    odds = np.exp(fitted - fitted.max(axis=1, keepdims=True))
    error = targets - odds / odds.sum(axis=1, keepdims=True)
    firsts, place = np.unique(same, return_inverse=True)
    together = np.zeros((len(firsts), error.shape[1]), np.float32)
    np.add.at(together, place, error)
    noise = 1 / (_CURVATURE * np.bincount(place).astype(np.float32))
    prior = kernel[np.ix_(firsts, firsts)] / np.float32(penalty)
    uncertain = 1 / np.diag(np.linalg.inv(prior + np.diag(noise))) - noise
    found = fitted[firsts] - uncertain[:, None] * together
    return found.astype(np.float32), firsts
