"""Small helpers on rows of vectors."""

import numpy as np
import numpy.typing as npt

DIMENSIONS = 512
"""Length of an embedding."""

Array = npt.NDArray[np.float32]


def unit(vectors: Array) -> Array:
    """Vectors scaled to length 1 along the last axis."""
    scaled: Array = vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-6)
    return scaled


def with_one(vectors: Array) -> Array:
    """Rows with a 1 appended."""
    return np.hstack([vectors, np.ones((len(vectors), 1), np.float32)])
