"""What one request is about: category, difficulty, and whether it needs reasoning or a tool, or means to buy.

Each head is linear in the embedding and the text's surface features, and calibrated on data that its training left
out. The weights are a small file in this package, made by `classifier/train`.
"""

import hashlib
import io
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pointsman.core.categories import CATEGORIES_VERSION, Category
from pointsman.core.signals import Classification, Score
from pointsman_classifier.features import text_features
from pointsman_classifier.gain import Gain
from pointsman_classifier.guard import GUARD, Guard

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

    category: Array
    """Probabilities in the order of CATEGORIES, shape (16,)."""
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
            category=dict(zip(CATEGORIES, map(float, self.category), strict=True)),
            difficulty=self.difficulty,
            reasoning=self.reasoning,
            tool_need=self.tool_need,
            commercial=self.commercial,
            gain=self.gain,
            guard=self.guard,
        )


def judgement(outputs: Mapping[str, Array]) -> Judgement:
    """What `Heads.outputs` gave, here or on a server, as values with names. Arrays may have any shape of one row."""
    flat = {name: np.asarray(outputs[name], np.float32).reshape(size) for name, size in OUTPUTS.items()}
    difficulty = Score(float(flat["difficulty"][0]), float(flat["difficulty"][1]))
    reasoning, tool_need, commercial = (_certain_at_the_ends(float(flat[name][0])) for name in BINARY)
    guard = {name: float(flat[name][0]) for name in GUARD}
    return Judgement(flat["category"], difficulty, reasoning, tool_need, commercial, float(flat["gain"][0]), guard)


class DamagedArtefactError(Exception):
    """A shipped file does not match its checksum or its code: the installation is broken."""


class Heads:
    """Immutable, so thread-safe."""

    def __init__(self, arrays: Mapping[str, Array], digest: str) -> None:
        self.digest = digest
        self._mean, self._scale = arrays["feature_mean"], arrays["feature_scale"]
        self._weights, self._bias = arrays["weights"], arrays["bias"]
        self._difficulty_error = float(arrays["difficulty_error"])
        self._gain, self._guard = Gain(arrays), Guard(arrays)

    @classmethod
    def load(cls, folder: Traversable = ARTEFACTS) -> "Heads":
        """The shipped heads, or those of another folder. Raises DamagedArtefactError."""
        arrays, digest = load_artefact("heads", folder)
        if int(arrays["categories_version"]) != CATEGORIES_VERSION:
            raise DamagedArtefactError("heads.npz was trained for another list of categories; retrain it")
        return cls(arrays, digest)

    def category(self, text: str, embedding: Array) -> Array:
        """Only the category probabilities, shape (16,)."""
        return softmax(self._logits(text, embedding)[: len(CATEGORIES)])

    def judge(self, text: str, embedding: Array) -> Judgement:
        """Everything the heads say of a text and its embedding."""
        return judgement(self.outputs(text, embedding))

    def outputs(self, text: str, embedding: Array) -> dict[str, Array]:
        """The same as arrays, one for each entry of OUTPUTS with its shape, in that order."""
        logits = self._logits(text, embedding)
        n = len(CATEGORIES)
        needs = _sigmoid(logits[n : n + len(BINARY)])
        confidence = max(0.0, 1.0 - 2 * self._difficulty_error)
        guard = self._guard(text, embedding)
        return {
            "category": softmax(logits[:n]),
            "difficulty": np.append(_sigmoid(logits[-1:]), np.float32(confidence)),
            **{name: needs[i : i + 1] for i, name in enumerate(BINARY)},
            "gain": np.array([self._gain(text, embedding)], np.float32),
            **{name: guard[i : i + 1] for i, name in enumerate(GUARD)},
        }

    def _logits(self, text: str, embedding: Array) -> Array:
        features = (text_features(text) - self._mean) * self._scale
        logits: Array = np.concatenate((embedding, features)) @ self._weights + self._bias
        return logits


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
