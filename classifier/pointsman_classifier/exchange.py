"""A conversation as the scorer of routes takes it: exchanges of a user turn and the assistant's turn before it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pointsman_classifier.conversation import SILENCE

Array = npt.NDArray[np.float32]


class Exchange(NamedTuple):
    """A user turn and the assistant's turn before it, if there was one."""

    text: str
    vector: Array
    """Embedding of the user turn, shape (512,)."""
    category: Array
    """Its category probabilities, shape (16,)."""
    assistant_text: str = ""
    assistant: Array | None = None


class Observed(NamedTuple):
    """One conversation as arrays, earliest exchange first; at least one."""

    exchanges: tuple[Exchange, ...]
    previous_route: str | None = None


def exchanges(texts: Sequence[str], vectors: Array, categories: Array) -> tuple[Exchange, ...]:
    """The exchanges of a last user turn and its context, in `conversation.Utterance`'s order, with their embeddings and
    categories, one row a text."""
    found = []
    for i in range(0, len(texts), 2):
        if i > 0 and texts[i] == SILENCE:
            continue
        answered = i + 1 < len(texts) and texts[i + 1] != SILENCE
        before = (texts[i + 1], vectors[i + 1]) if answered else ("", None)
        found.append(Exchange(texts[i], vectors[i], categories[i], *before))
    return tuple(reversed(found))
