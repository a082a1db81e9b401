"""Texts to all that can be said of them without any policy; a server can do it as well."""

from collections.abc import Mapping, Sequence

import numpy as np

from pointsman_classifier.encoder import Encoder
from pointsman_classifier.heads import Array, Heads, by_name
from pointsman_classifier.memory import Memory
from pointsman_classifier.vectors import DIMENSIONS

Analyses = Mapping[str, Array]
"""What is known of some texts without any policy: `embedding`, shape (n, 512), and each of `heads.OUTPUTS`, shape
(n, its length), by name. The same whether it was made here or by Triton."""

LONGEST = 16_384
"""Characters. Of a longer text its first and its last half of so many are kept, here and on a server."""


def sendable(text: str) -> str:
    """A text as a server can be sent it: without lone surrogates, and of at most LONGEST characters. The windows that
    the encoder reads stay the same."""
    short = text if len(text) <= LONGEST else text[: LONGEST // 2] + text[-LONGEST // 2 :]
    return short.encode("utf-8", "replace").decode("utf-8")


class Analysing:
    """Thread-safe."""

    def __init__(self, encoder: Encoder, heads: Heads, memory: Memory) -> None:
        self._encoder, self._heads, self._memory = encoder, heads, memory

    def analyse(self, texts: Sequence[str]) -> Analyses:
        """Embeddings of all texts, and what the heads say of them; of those that are not remembered made now. Blocking,
        a millisecond or two a text."""
        if not texts:
            return {}
        known = {t: row for t, row in zip(texts, self._memory.recall(texts), strict=True) if row is not None}
        fresh = list(dict.fromkeys(text for text in texts if text not in known))
        if fresh:
            made = self._rows(fresh)
            self._memory.remember(fresh, made)
            known |= zip(fresh, made, strict=True)
        rows = np.array([known[text] for text in texts])
        return {"embedding": rows[:, :DIMENSIONS], **by_name(rows[:, DIMENSIONS:])}

    def _rows(self, texts: Sequence[str]) -> Array:
        vectors = np.array([self._encoder.embed(text) for text in texts])
        return np.hstack([vectors, self._heads.rows(texts, vectors)])
