"""What one request is about: category, difficulty, and whether it needs reasoning or a tool, or means to buy.

Each head is linear in the embedding and the text's surface features, and calibrated on data that its training left
out. The weights are a small file in this package, made by `classifier/train`.
"""

import hashlib
import io
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pointsman.core.categories import CATEGORIES_VERSION, Category
from pointsman.core.signals import Score
from pointsman_classifier.features import text_features

Array = npt.NDArray[np.float32]

CATEGORIES = tuple(category.value for category in Category)
"""The order of the columns of the category head."""

BINARY = ("reasoning", "tool_need", "commercial")
"""The yes-or-no heads, in the order of their columns."""


ARTEFACTS: Traversable = files("pointsman_classifier") / "artefacts"


class Judgement(NamedTuple):
    """What the heads say of one text."""

    category: Array
    """Probabilities in the order of CATEGORIES, shape (16,)."""
    difficulty: Score
    reasoning: Score
    tool_need: Score
    commercial: Score


class DamagedArtefactError(Exception):
    """A shipped file does not match its checksum or its code: the installation is broken."""


class Heads:
    """Immutable, so thread-safe."""

    def __init__(self, arrays: dict[str, Array], digest: str) -> None:
        self.digest = digest
        self._mean, self._scale = arrays["feature_mean"], arrays["feature_scale"]
        self._weights, self._bias = arrays["weights"], arrays["bias"]
        self._difficulty_error = float(arrays["difficulty_error"])

    @classmethod
    def load(cls) -> "Heads":
        """The shipped heads. Raises DamagedArtefactError."""
        arrays, digest = load_artefact("heads")
        if int(arrays["categories_version"]) != CATEGORIES_VERSION:
            raise DamagedArtefactError("heads.npz was trained for another list of categories; retrain it")
        return cls(arrays, digest)

    def category(self, text: str, embedding: Array) -> Array:
        """Only the category probabilities, shape (16,)."""
        return self.judge(text, embedding).category

    def judge(self, text: str, embedding: Array) -> Judgement:
        """Everything the heads say of a text and its embedding."""
        features = (text_features(text) - self._mean) * self._scale
        logits = np.concatenate((embedding, features)) @ self._weights + self._bias
        n = len(CATEGORIES)
        needs = [_yes_or_no(float(logit)) for logit in logits[n : n + len(BINARY)]]
        difficulty = Score(_sigmoid(float(logits[-1])), max(0.0, 1.0 - 2 * self._difficulty_error))
        return Judgement(softmax(logits[:n]), difficulty, *needs)


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


def _yes_or_no(logit: float) -> Score:
    probability = _sigmoid(logit)
    return Score(probability, abs(2 * probability - 1))


def _sigmoid(logit: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))
