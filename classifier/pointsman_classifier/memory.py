"""What was made of the latest texts, so that a conversation's next request has only its new texts analysed.

A conversation comes whole with each request, and its earlier turns with it. No text is kept: an entry is a digest,
keyed with a number that this process drew, and the text's embedding with what the heads say of it. What can be read
from these is what can be read from a classification; they are in memory alone, and the oldest go first.
"""

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

TEXTS = 4_096
"""Entries of about 2.4 KB each: 10 MB."""


class Memory:
    """Thread-safe. Of a fixed number of entries; 0 remembers nothing."""

    def __init__(self, entries: int = TEXTS) -> None:
        self._entries = entries
        self._key = secrets.token_bytes(32)
        self._rows: OrderedDict[bytes, Array] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, texts: Sequence[str]) -> list[Array | None]:
        """The row of each text, None for one that is not known."""
        names = [self._name(text) for text in texts]
        with self._lock:
            for name in names:
                if name in self._rows:
                    self._rows.move_to_end(name)
            return [self._rows.get(name) for name in names]

    def remember(self, texts: Iterable[str], rows: Iterable[Array]) -> None:
        """Keep a copy of the row of each text."""
        named = [(self._name(text), row.copy()) for text, row in zip(texts, rows, strict=True)]
        with self._lock:
            self._rows.update(named)
            while len(self._rows) > self._entries:
                self._rows.popitem(last=False)

    def forget(self) -> None:
        """Drop all entries."""
        with self._lock:
            self._rows.clear()

    def _name(self, text: str) -> bytes:
        return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16, key=self._key).digest()
