"""The numbers of `heads.npz` as one linear map, which `heads` applies in numpy and `export_heads` in a graph."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pointsman_classifier.guard import PATTERNS
from pointsman_classifier.vectors import DIMENSIONS

Array = npt.NDArray[np.float32]


class Weights(NamedTuple):
    """From a text's embedding and surface to the logits: categories, `heads.BINARY`, difficulty, the gain's parts
    (`gain.mixture`), `guard.GUARD`."""

    mean: Array
    scale: Array
    """What standardises a surface, shape (SURFACE,): (surface - mean) * scale."""
    of_embedding: Array
    """Shape (DIMENSIONS, logits)."""
    of_surface: Array
    """Of the standardised surface, shape (SURFACE, logits)."""
    bias: Array
    confidence: float
    """In the difficulty."""


def joined(arrays: Mapping[str, Array]) -> Weights:
    """The heads side by side. Personal data's patterns are taken as they are."""
    parts = [arrays["weights"], arrays["gain_weights"], arrays["guard_weights"]]
    zero, one = np.zeros(PATTERNS, np.float32), np.ones(PATTERNS, np.float32)
    return Weights(
        mean=np.concatenate([arrays["feature_mean"], arrays["gain_form_mean"], zero]),
        scale=np.concatenate([arrays["feature_scale"], arrays["gain_form_scale"], one]),
        of_embedding=np.hstack([part[:DIMENSIONS] for part in parts]),
        of_surface=_block_diagonal([part[DIMENSIONS:] for part in parts]),
        bias=np.concatenate([arrays["bias"], arrays["gain_bias"], arrays["guard_bias"]]),
        confidence=max(0.0, 1.0 - 2 * float(arrays["difficulty_error"])),
    )


def _block_diagonal(parts: Sequence[Array]) -> Array:
    whole = np.zeros(np.sum([part.shape for part in parts], axis=0), np.float32)
    row = column = 0
    for part in parts:
        whole[row : row + part.shape[0], column : column + part.shape[1]] = part
        row, column = row + part.shape[0], column + part.shape[1]
    return whole
