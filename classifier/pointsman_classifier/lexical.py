"""Character n-grams: what words share when an embedding does not see it (product names, misspellings, compounds).

Texts become sparse counts over hashed 3- to 5-grams; a policy's routes are weighted by how few of them share a
gram. All of it is integer arithmetic on arrays of code points, so a prompt costs tens of microseconds.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

BUCKETS = 1 << 13
_ORDERS = (3, 4, 5)
_CHARACTERS = 400
"""Only this many characters of a text are looked at."""


class Grams(NamedTuple):
    """The distinct n-grams of a text (bucket numbers) and the logarithm of one plus their counts."""

    buckets: npt.NDArray[np.int64]
    counts: Array


def grams(text: str) -> Grams:
    """The n-grams of a text, letter case and outer spaces ignored."""
    padded = f" {text[:_CHARACTERS].lower().strip()} ".encode("utf-32-le", "replace")
    points = np.frombuffer(padded, np.uint32).astype(np.uint64)
    found = [_hashes(points, order) for order in _ORDERS if len(points) >= order]
    if not found:
        return Grams(np.empty(0, np.int64), np.empty(0, np.float32))
    buckets, counts = np.unique(np.concatenate(found), return_counts=True)
    return Grams(buckets.astype(np.int64), np.log1p(counts).astype(np.float32))


def _hashes(points: npt.NDArray[np.uint64], order: int) -> npt.NDArray[np.uint64]:
    windows = len(points) - order + 1
    mixed = np.full(windows, order, np.uint64)
    for i in range(order):
        mixed = (mixed ^ points[i : i + windows]) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed % np.uint64(BUCKETS)


class LexicalIndex(NamedTuple):
    """The routes' n-grams, ready to be compared with a text."""

    weighted: Array
    """Shape (BUCKETS, routes): each column a route's weighted counts, unit length."""
    rarity: Array
    """Shape (BUCKETS,): the weight of each gram."""


def index(texts: list[str]) -> LexicalIndex:
    """Index one text per route."""
    table = np.zeros((BUCKETS, len(texts)), np.float32)
    for column, text in enumerate(texts):
        found = grams(text)
        table[found.buckets, column] = found.counts
    shared = (table > 0).sum(axis=1)
    rarity = np.log((1 + len(texts)) / (1 + shared) + 1).astype(np.float32)
    table *= rarity[:, None]
    table /= np.linalg.norm(table, axis=0) + 1e-6
    return LexicalIndex(table, rarity)


def similarity(lexical: LexicalIndex, text: str) -> Array:
    """Cosine of a text with each route, shape (routes,)."""
    found = grams(text)
    weights = found.counts * lexical.rarity[found.buckets]
    scores: Array = weights @ lexical.weighted[found.buckets] / (np.linalg.norm(weights) + 1e-6)
    return scores
