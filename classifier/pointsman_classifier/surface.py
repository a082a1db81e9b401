"""All that the heads take from a text itself, as one vector: no model and no trained number is in it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pointsman_classifier.features import COUNT as FEATURES
from pointsman_classifier.features import text_features
from pointsman_classifier.form import COUNT as FORM
from pointsman_classifier.form import form_features
from pointsman_classifier.guard import PATTERNS, pattern_features

Array = npt.NDArray[np.float32]

PARTS = (FEATURES, FORM, PATTERNS)
"""Lengths of its parts: surface features, the form of the task, what looks like personal data."""

SURFACE = sum(PARTS)
"""Its length."""


def surfaces(texts: Sequence[str]) -> Array:
    """One row a text, shape (texts, SURFACE)."""
    rows = [np.concatenate((text_features(text), form_features(text), pattern_features(text))) for text in texts]
    return np.array(rows, np.float32).reshape(-1, SURFACE)
