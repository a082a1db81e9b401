"""The scores by which a classifier's answers are put in order: the need of a stronger model, and of no route at all."""

import math
from collections.abc import Mapping

from pointsman.core.signals import Classification


def need_of(classification: Classification, category: str | None = None) -> float:
    """A score that rises with the need of a stronger model; only its order matters.

    The classifier's `gain` where it gives one, else its difficulty, else a half. `category` is what the data calls the
    prompt's kind; a router does not know it, so it changes nothing here.
    """
    if classification.gain:
        return classification.gain
    return classification.difficulty.value if classification.difficulty is not None else 0.5


def none_of(routes: Mapping[str, float]) -> float:
    """How likely it is that no route fits, 0 to 1: what the routes' scores leave of 1."""
    return min(max(1.0 - math.fsum(routes.values()), 0.0), 1.0)
