"""What was learnt of which utterances belong to which descriptions, as small corrections to embeddings.

One correction each for what users say, what assistants say and what descriptions say brings those that belong
together near each other. They were learnt on the training's routes, so they are right about routes that resemble those
and of less use elsewhere: `familiarity` says which it is, and the scorer weighs the two kinds apart.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pointsman_classifier.vectors import unit

Array = npt.NDArray[np.float32]

_UNFAMILIAR, _FAMILIAR = 0.5, 0.85
"""Cosines of a description with the nearest one of the training: below the first it counts as unknown."""


class Tower(NamedTuple):
    """x + x A B + max(0, x V1 + c) V2 + m, then unit length."""

    a: Array
    b: Array
    v1: Array
    c: Array
    v2: Array
    m: Array

    def __call__(self, vectors: Array) -> Array:
        """Rows of vectors, centred by the caller, to rows of the shared space."""
        hidden = np.maximum(vectors @ self.v1 + self.c, 0)
        return unit(vectors + vectors @ self.a @ self.b + hidden @ self.v2 + self.m)


class JoinedTower:
    """A tower and the centre that its vectors are to be taken around, as two products: for one vector at a time."""

    def __init__(self, tower: Tower, centre: Array) -> None:
        self._inner: Array = np.hstack([tower.v1, tower.a])
        self._level: Array = np.append(tower.c, np.zeros(tower.a.shape[1], np.float32)) - centre @ self._inner
        self._hidden = tower.v1.shape[1]
        self._outer: Array = np.vstack([tower.v2, tower.b])
        self._shift: Array = tower.m - centre

    def __call__(self, vectors: Array) -> Array:
        """Rows of embeddings to rows of the shared space."""
        inner: Array = vectors @ self._inner + self._level
        hidden = inner[:, : self._hidden]
        np.maximum(hidden, 0, out=hidden)
        moved: Array = vectors + self._shift + inner @ self._outer
        norms: Array = np.sqrt(np.einsum("ij,ij->i", moved, moved)) + np.float32(1e-6)
        return moved / norms[:, None]


class Towers(NamedTuple):
    """The three corrections; immutable."""

    user: Tower
    assistant: Tower
    description: Tower
    centre: Array
    """Subtracted from every embedding before a tower sees it, shape (512,)."""
    known: Array
    """Embeddings of the descriptions that they were learnt on, shape (k, 512)."""

    def of_descriptions(self, vectors: Array) -> Array:
        """Rows of descriptions in the shared space."""
        return self.description(vectors - self.centre)

    def familiarity(self, *texts: Array) -> Array:
        """How much each route, given by rows of embeddings of its texts, resembles those of the training: 0 to 1."""
        nearest = np.max([(rows @ self.known.T).max(axis=1) for rows in texts], axis=0)
        share: Array = np.clip((nearest - _UNFAMILIAR) / (_FAMILIAR - _UNFAMILIAR), 0, 1).astype(np.float32)
        return share


_WHO = ("user", "assistant", "description")


def from_arrays(arrays: Mapping[str, Array]) -> Towers:
    """Towers from an artefact's arrays, named like `user_a`."""
    user, assistant, description = (Tower(*(arrays[f"{who}_{part}"] for part in Tower._fields)) for who in _WHO)
    return Towers(user, assistant, description, arrays["tower_centre"], arrays["known"])


def to_arrays(towers: Towers) -> dict[str, Array]:
    """The reverse of `from_arrays`."""
    arrays = {"tower_centre": towers.centre, "known": towers.known}
    for who, tower in zip(_WHO, towers[:3], strict=True):
        arrays |= {f"{who}_{part}": array for part, array in zip(Tower._fields, tower, strict=True)}
    return arrays
