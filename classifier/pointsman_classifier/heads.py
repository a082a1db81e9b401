"""What one request is about: category, difficulty, and whether it needs reasoning or a tool, or means to buy.

Each head is linear in the embedding and the text's surface features, and calibrated on data that its training left
out. The weights are a small file in this package, made by `classifier/train`.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pointsman.core.categories import CATEGORIES_VERSION, Category
from pointsman.core.signals import Classification, Score
from pointsman_classifier.features import text_features
from pointsman_classifier.gain import WIDEST, mixture
from pointsman_classifier.guard import GUARD
from pointsman_classifier.head_weights import joined
from pointsman_classifier.surface import PARTS, surfaces

Array = npt.NDArray[np.float32]

CATEGORIES = tuple(category.value for category in Category)
"""The order of the columns of the category head."""

BINARY = ("reasoning", "tool_need", "commercial")
"""The yes-or-no heads, in the order of their columns."""

OUTPUTS: Mapping[str, int] = {
    "category": len(CATEGORIES),
    "difficulty": 2,
    **dict.fromkeys(BINARY, 1),
    "gain": 1,
    **dict.fromkeys(GUARD, 1),
}
"""What `Heads.outputs` gives, in this order: name to length. Category: probabilities in the order of CATEGORIES.
Difficulty: value and confidence. Everything else: one value between 0 and 1."""


ARTEFACTS: Traversable = files("pointsman_classifier") / "artefacts"


class Judgement(NamedTuple):
    """What the heads say of one text."""

    category: tuple[float, ...]
    """Probabilities in the order of CATEGORIES."""
    difficulty: Score
    reasoning: Score
    tool_need: Score
    commercial: Score
    gain: float
    """How much likelier a strong model answers well than a weak one, 0 to 1."""
    guard: dict[str, float]
    """Probability by name, in the order of GUARD."""

    def classification(self, routes: Mapping[str, float]) -> Classification:
        """The judgement beside how well each route fits."""
        return Classification(
            routes=routes,
            category=dict(zip(CATEGORIES, self.category, strict=True)),
            difficulty=self.difficulty,
            reasoning=self.reasoning,
            tool_need=self.tool_need,
            commercial=self.commercial,
            gain=self.gain,
            guard=self.guard,
        )


def judgement(outputs: Mapping[str, Array]) -> Judgement:
    """What `Heads.outputs` gave, here or on a server, as values with names. Arrays may have any shape of one row."""
    flat = {name: outputs[name].ravel().tolist() for name in OUTPUTS}
    reasoning, tool_need, commercial = (_certain_at_the_ends(flat[name][0]) for name in BINARY)
    guard = {name: flat[name][0] for name in GUARD}
    difficulty = Score(*flat["difficulty"])
    return Judgement(tuple(flat["category"]), difficulty, reasoning, tool_need, commercial, flat["gain"][0], guard)


class DamagedArtefactError(Exception):
    """A shipped file does not match its checksum or its code: the installation is broken."""


class Heads:
    """Immutable, so thread-safe."""

    def __init__(self, arrays: Mapping[str, Array], digest: str) -> None:
        self.digest = digest
        self.weights = joined(arrays)

    @classmethod
    def load(cls, folder: Traversable = ARTEFACTS) -> "Heads":
        """The shipped heads, or those of another folder. Raises DamagedArtefactError."""
        arrays, digest = load_artefact("heads", folder)
        if int(arrays["categories_version"]) != CATEGORIES_VERSION:
            raise DamagedArtefactError("heads.npz was trained for another list of categories; retrain it")
        return cls(arrays, digest)

    def category(self, text: str, embedding: Array) -> Array:
        """Only the category probabilities, shape (16,)."""
        w, n, k = self.weights, len(CATEGORIES), PARTS[0]
        features: Array = (text_features(text) - w.mean[:k]) * w.scale[:k]
        return softmax(embedding @ w.of_embedding[:, :n] + features @ w.of_surface[:k, :n] + w.bias[:n])

    def judge(self, text: str, embedding: Array) -> Judgement:
        """Everything the heads say of a text and its embedding."""
        return judgement(self.outputs(text, embedding))

    def outputs(self, text: str, embedding: Array) -> dict[str, Array]:
        """The same as arrays, one for each entry of OUTPUTS with its shape, in that order."""
        return {name: values[0] for name, values in by_name(self.rows((text,), embedding[None])).items()}

    def rows(self, texts: Sequence[str], embeddings: Array) -> Array:
        """All outputs of some texts side by side, in the order of OUTPUTS: shape (texts, WIDTH)."""
        w = self.weights
        logits: Array = embeddings @ w.of_embedding + self._standard(texts) @ w.of_surface + w.bias
        odds = _sigmoid(logits)
        rows = np.empty((len(texts), WIDTH), np.float32)
        made = by_name(rows)
        made["category"][:] = softmax(logits[:, : len(CATEGORIES)])
        made["difficulty"][:, :1], made["difficulty"][:, 1] = odds[:, _DIFFICULTY], w.confidence
        made["gain"][:, 0] = mixture(logits[:, _GAIN])
        for column, name in enumerate(BINARY, len(CATEGORIES)):
            made[name][:, 0] = odds[:, column]
        for column, name in enumerate(GUARD, -len(GUARD)):
            made[name][:, 0] = odds[:, column]
        return rows

    def _standard(self, texts: Sequence[str]) -> Array:
        """The texts' standardised surfaces, shape (texts, SURFACE)."""
        standard: Array = (surfaces(texts) - self.weights.mean) * self.weights.scale
        form = standard[:, PARTS[0] : PARTS[0] + PARTS[1]]
        np.clip(form, -WIDEST, WIDEST, out=form)
        return standard


def by_name(rows: Array) -> dict[str, Array]:
    """The columns of each of OUTPUTS, shape (texts, its length)."""
    return {name: rows[:, end - OUTPUTS[name] : end] for name, end in _ENDS.items()}


_ENDS = dict(zip(OUTPUTS, accumulate(OUTPUTS.values()), strict=True))

WIDTH = sum(OUTPUTS.values())
"""Of all outputs side by side."""

_DIFFICULTY = slice(len(CATEGORIES) + len(BINARY), len(CATEGORIES) + len(BINARY) + 1)
_GAIN = slice(_DIFFICULTY.stop, -len(GUARD))
"""Columns of the logits: categories, BINARY, difficulty, gain, GUARD."""


def load_artefact(name: str, folder: Traversable = ARTEFACTS) -> tuple[dict[str, Array], str]:
    """The arrays of a shipped file (16-bit floats are widened) and the file's SHA-256.

    Raises DamagedArtefactError when the file is not the one that was shipped.
    """
    content = (folder / f"{name}.npz").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if (folder / f"{name}.sha256").read_text("ascii").split()[0] != digest:
        raise DamagedArtefactError(f"{name}.npz does not match its checksum; reinstall the package")
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {key: archive[key].astype(np.float32) for key in archive.files}, digest


def softmax(logits: Array) -> Array:
    """Probabilities of logits along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: Array = shifted / shifted.sum(axis=-1, keepdims=True)
    return probabilities


def _certain_at_the_ends(probability: float) -> Score:
    return Score(probability, abs(2 * probability - 1))


def _sigmoid(logits: Array) -> Array:
    odds = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return np.asarray(odds, np.float32)
