"""Texts whose analyses are known already: they need not be sent to Triton again."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from router_svc.triton.connection import Rows, by_name

Array = npt.NDArray[np.float32]


class Memory(Protocol):
    """Keeps rows of numbers by text, without the texts, and not for ever."""

    def recall(self, texts: Sequence[str]) -> list[Array | None]:
        """The row of each text, None for one that is not known."""

    def remember(self, texts: Iterable[str], rows: Iterable[Array]) -> None:
        """Keep a row for each text."""

    def forget(self) -> None:
        """Drop all of them."""


class Forgetful:
    """A memory of nothing."""

    def recall(self, texts: Sequence[str]) -> list[Array | None]:
        """Nothing is known."""
        return [None for _ in texts]

    def remember(self, texts: Iterable[str], rows: Iterable[Array]) -> None:
        """Keep nothing."""

    def forget(self) -> None:
        """There is nothing to drop."""


class Known:
    """What is known of the texts of one request."""

    def __init__(self, memory: Memory, texts: Sequence[str]) -> None:
        self._memory, self._texts = memory, texts
        found = zip(texts, memory.recall(texts), strict=True)
        self._rows = {text: row for text, row in found if row is not None}
        self.missing = tuple(dict.fromkeys(text for text in texts if text not in self._rows))
        """What has to be sent, each text once."""

    def complete(self, answered: Rows | None, outputs: Mapping[str, int]) -> Rows:
        """The rows of all texts, from the answer for `missing`, which is remembered (None when nothing was sent)."""
        if answered is not None:
            made = np.hstack([answered[name] for name in outputs])
            self._memory.remember(self.missing, made)
            self._rows.update(zip(self.missing, made, strict=True))
        together = np.array([self._rows[text] for text in self._texts])
        return by_name(together, outputs)
