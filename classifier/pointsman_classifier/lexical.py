"""Character n-grams: what words share when an embedding does not see it (product names, misspellings, compounds).

Texts become sparse counts over hashed 2- to 5-grams, with a hashed sign so that colliding grams cancel out on average;
a policy's texts are weighted by how few of them share a gram. All of it is integer arithmetic on arrays of code points,
so a prompt costs tens of microseconds.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

BUCKETS = 1 << 12
_ORDERS = (2, 3, 4, 5)
_CHARACTERS = 400
"""Only this many characters of a text are looked at."""


class Grams(NamedTuple):
    """The distinct n-grams of a text (bucket numbers) and, signed, the logarithm of one plus their counts."""

    buckets: npt.NDArray[np.int64]
    counts: Array


def grams(text: str) -> Grams:
    """The n-grams of a text, letter case and outer spaces ignored."""
    padded = f" {text[:_CHARACTERS].lower().strip()} ".encode("utf-32-le", "replace")
    points = np.frombuffer(padded, np.uint32).astype(np.uint64)
    found = [_hashes(points, order) for order in _ORDERS if len(points) >= order]
    if not found:
        return Grams(np.empty(0, np.int64), np.empty(0, np.float32))
    hashes, counts = np.unique(np.concatenate(found), return_counts=True)
    sign = 1 - 2 * (hashes >> np.uint64(40) & np.uint64(1)).astype(np.float32)
    return Grams((hashes % np.uint64(BUCKETS)).astype(np.int64), sign * np.log1p(counts).astype(np.float32))


def _hashes(points: npt.NDArray[np.uint64], order: int) -> npt.NDArray[np.uint64]:
    windows = len(points) - order + 1
    mixed = np.full(windows, order, np.uint64)
    for i in range(order):
        mixed = (mixed ^ points[i : i + windows]) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed


class LexicalIndex(NamedTuple):
    """Some texts' n-grams, ready to be compared with another text."""

    weighted: Array
    """Shape (BUCKETS, texts): each column a text's weighted counts, unit length."""
    rarity: Array
    """Shape (BUCKETS,): the weight of each bucket."""


def index(texts: Sequence[str]) -> LexicalIndex:
    """Index some texts."""
    found = [grams(text) for text in texts]
    shared = np.zeros(BUCKETS, np.float32)
    for each in found:
        shared[np.unique(each.buckets)] += 1
    rarity = np.log((1 + len(texts)) / (1 + shared) + 1).astype(np.float32)
    table = np.zeros((BUCKETS, len(texts)), np.float32)
    for column, (buckets, counts) in enumerate(found):
        np.add.at(table[:, column], buckets, counts * rarity[buckets])
    table /= np.linalg.norm(table, axis=0) + 1e-6
    return LexicalIndex(table, rarity)


def product(text: str, weights: Array, rarity: Array) -> Array:
    """A text's weighted counts, unit length, times `weights` of shape (BUCKETS, n): shape (n,)."""
    found = grams(text)
    values = found.counts * rarity[found.buckets]
    scores: Array = values @ weights[found.buckets] / (np.linalg.norm(values) + 1e-6)
    return scores


def similarity(lexical: LexicalIndex, text: str) -> Array:
    """Cosine of a text with each indexed text."""
    return product(text, lexical.weighted, lexical.rarity)
