"""When a conversation stays with its route and its model, although another one scores more: hysteresis, pure.

Both rules compare this turn's numbers only, so equal inputs give equal answers, and neither rule ever undoes what it
allowed for the same inputs: a conversation may move from A to B, but not back again until the numbers change.
"""

from collections.abc import Mapping

import msgspec

from pointsman.core.state import SessionState

KEEP_SHARE = 0.25
"""A route is kept while it scores at least this share of what a new one would need (docs/decisions/sessions.md)."""
DOWN_FACTOR = 2.0
"""To go down to a cheaper model the saving must be this many times the margin."""


class Option(msgspec.Struct, frozen=True):
    """A backend for this turn."""

    backend: str
    quality: float
    """Expected probability of a good answer."""
    cost: int
    """Expected picos for this turn, where the current backend's prompt prefix is priced as cached."""


def keep_route(
    session: SessionState, scores: Mapping[str, float], best: str, best_score: float, margin: float, floor: float
) -> bool:
    """Whether to stay with the session's route although `best` scores more.

    `scores` are probabilities of the routes that may take this turn; one that is missing is never kept. `margin` and
    `floor` (the score that a route needs to be taken) are fractions. Where no score reaches the floor ("yes, please"
    fits nothing), `best` is what takes such turns and `best_score` the highest there is: then nothing speaks for
    another topic, and the route is kept unless it has become quite unlikely itself.
    """
    if session.route == best:
        return True
    score = scores.get(session.route, 0.0)
    if score <= 0.0 or score < KEEP_SHARE * floor:
        return False
    return best_score < floor or best_score - score < margin


def keep_backend(current: Option, best: Option, margin: float) -> bool:
    """Whether to stay with the current backend although `best` comes first in this turn's order.

    Up, to a model better by at least `margin` (a fraction), is a gain worth the lost prefix cache. Otherwise the other
    must save more than `DOWN_FACTOR` times the margin of the current cost, lost cache included. A model that is worse
    by the margin or more never takes over: the way back up would be open at once.
    """
    if current.backend == best.backend or _clearly_better(current, best, margin):
        return True
    if _clearly_better(best, current, margin):
        return False
    return keep_by_saving(current.cost, best.cost, margin)


def keep_by_saving(current: float, best: float, margin: float) -> bool:
    """Whether to stay although `best` saves something: money or time, of which the objective wants the least.

    A switch must save more than `DOWN_FACTOR` times the margin of what is spent now.
    """
    return current - best <= DOWN_FACTOR * margin * current


def _clearly_better(one: Option, other: Option, margin: float) -> bool:
    gain = one.quality - other.quality
    return gain > 0.0 and gain >= margin
