"""Embeddings of many texts, kept between runs by the hash of each text (never the text itself)."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]


class Embeds(Protocol):
    """An encoder."""

    @property
    def digest(self) -> str:
        """Names its weights."""

    def embed(self, text: str, /) -> Matrix:
        """The vector of one text."""


class EmbeddingCache:
    """Embeds what it has not seen. `save` writes what it knows for the next run."""

    def __init__(self, encoder: Embeds, folder: Path | None) -> None:
        self._encoder = encoder
        self._file = folder / f"{encoder.digest}-vectors.npz" if folder else None
        self._known: dict[bytes, npt.NDArray[np.float32]] = {}
        if self._file is not None and self._file.exists():
            with np.load(self._file, allow_pickle=False) as archive:
                self._known = dict(zip(map(bytes, archive["keys"]), archive["vectors"], strict=True))

    def __call__(self, texts: Sequence[str]) -> Matrix:
        """One row per text."""
        out = []
        for text in texts:
            key = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
            if key not in self._known:
                self._known[key] = self._encoder.embed(text)
            out.append(self._known[key])
        return np.array(out, np.float32)

    def save(self) -> None:
        """Write all vectors, if a folder was given."""
        if self._file is None or not self._known:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        keys = np.frombuffer(b"".join(self._known), np.uint8).reshape(-1, 16)
        np.savez(self._file, keys=keys, vectors=np.array(list(self._known.values())))
