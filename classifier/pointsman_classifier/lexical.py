"""Character n-grams: what words share when an embedding does not see it (product names, misspellings, compounds).

Texts become sparse counts over hashed 2- to 5-grams, with a hashed sign so that colliding grams cancel out on average;
a policy's texts are weighted by how few of them share a gram. All of it is integer arithmetic on arrays of code points,
so a prompt costs tens of microseconds.
"""

from collections.abc import Sequence
from itertools import pairwise
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


def grams(texts: Sequence[str]) -> list[Grams]:
    """The n-grams of each text, letter case and outer spaces ignored."""
    padded = [f" {text[:_CHARACTERS].lower().strip()} ".encode("utf-32-le", "replace") for text in texts]
    ends = np.cumsum([0, *(len(each) // 4 for each in padded)]).tolist()
    hashes = _hashes(np.frombuffer(b"".join(padded), np.uint32).astype(np.uint64))
    return [_counted(hashes, start, end) for start, end in pairwise(ends)]


def _hashes(points: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Of the window of each order from each point on: shape (orders, points). Windows past the end are no use."""
    longest = _ORDERS[-1]
    points = np.concatenate([points, np.zeros(longest, np.uint64)])
    windows = len(points) - longest
    mixed = np.repeat(np.array(_ORDERS, np.uint64)[:, None], windows, axis=1)
    for i in range(longest):
        longer = mixed[max(0, i + 1 - _ORDERS[0]) :]  # the orders that reach so far
        longer ^= points[i : i + windows]
        longer *= np.uint64(0x9E3779B97F4A7C15)
        longer ^= longer >> np.uint64(29)
    return mixed


def _counted(hashes: npt.NDArray[np.uint64], start: int, end: int) -> Grams:
    """The distinct hashes of the windows within one text, and their counts."""
    found = np.concatenate(
        [row[start : max(start, end + 1 - order)] for row, order in zip(hashes, _ORDERS, strict=True)]
    )
    if not len(found):
        return Grams(np.empty(0, np.int64), np.empty(0, np.float32))
    found.sort()
    starts = np.concatenate((_FIRST, np.flatnonzero(found[1:] != found[:-1]) + 1, [len(found)]))
    distinct, counts = found.take(starts[:-1]), np.log1p(starts[1:] - starts[:-1]).astype(np.float32)
    np.negative(counts, out=counts, where=(distinct & _SIGN).astype(bool))
    return Grams((distinct & _BUCKET).astype(np.int64), counts)


_FIRST = np.zeros(1, np.int64)
_SIGN, _BUCKET = np.uint64(1 << 40), np.uint64(BUCKETS - 1)


class LexicalIndex(NamedTuple):
    """Some texts' n-grams, ready to be compared with another text."""

    weighted: Array
    """Shape (BUCKETS, texts): each column a text's weighted counts, unit length."""
    rarity: Array
    """Shape (BUCKETS,): the weight of each bucket."""


def index(texts: Sequence[str]) -> LexicalIndex:
    """Index some texts."""
    found = grams(texts)
    shared = np.zeros(BUCKETS, np.float32)
    for each in found:
        shared[np.unique(each.buckets)] += 1
    rarity = np.log((1 + len(texts)) / (1 + shared) + 1).astype(np.float32)
    table = np.zeros((BUCKETS, len(texts)), np.float32)
    for column, (buckets, counts) in enumerate(found):
        np.add.at(table[:, column], buckets, counts * rarity[buckets])
    table /= np.linalg.norm(table, axis=0) + 1e-6
    return LexicalIndex(table, rarity)


class Lexicon:
    """Several tables over the buckets, each with a rarity of its own, read together."""

    def __init__(self, *tables: tuple[Array, Array]) -> None:
        """Pairs of weights, shape (BUCKETS, columns), and a rarity, shape (BUCKETS,)."""
        self._table = np.hstack([weights * rarity[:, None] for weights, rarity in tables], dtype=np.float32)
        self._squares = np.stack([rarity * rarity for _, rarity in tables], axis=1)
        self._owners = np.repeat(np.arange(len(tables)), [weights.shape[1] for weights, _ in tables])

    def products(self, texts: Sequence[str]) -> Array:
        """Each text's weighted counts, unit length, times all columns of all tables: shape (texts, columns)."""
        made = np.zeros((len(texts), self._table.shape[1]), np.float32)
        for row, (buckets, counts) in zip(made, grams(texts), strict=True):
            norms = np.sqrt((counts * counts) @ self._squares.take(buckets, axis=0)) + 1e-6
            np.divide(counts @ self._table.take(buckets, axis=0), norms.take(self._owners), out=row)
        return made
