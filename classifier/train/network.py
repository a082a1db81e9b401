"""The encoder as a PyTorch module, to be trained: the same function as `pointsman_classifier.export` in FLOAT32.

The embedding table stays as the wheel has it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pointsman_classifier.export import BRANCH, BRANCHES, CHUNKS, table
from pointsman_classifier.tuned import FEATURES
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

Array = npt.NDArray[Any]

_TRAINED = (
    *(f"{kind}{order}" for order, _ in BRANCHES for kind in ("proj", "proj_b", "ln_g", "ln_b")),
    *(f"{kind}{layer}_{order}" for order, _ in BRANCHES for layer in (1, 2) for kind in ("w", "b")),
    *("ln_g", "ln_b", "cnn_W", "cnn_b", "d0", "d1", "p1", "d2", "p3", "d3"),
)


class Network(nn.Module):
    """Piece ids to embeddings of unit length."""

    gate: Tensor

    def __init__(self, weights: Mapping[str, Array]) -> None:
        super().__init__()
        self._epsilon = float(weights["eps"])
        self._table = torch.from_numpy(table(weights))
        self._scale, self._low = (torch.from_numpy(weights[n].reshape(CHUNKS, 1)).float() for n in ("scale", "lo"))
        for name in _TRAINED:
            self.register_parameter(name, nn.Parameter(torch.tensor(weights[name], dtype=torch.float32)))
        self.register_parameter("gate", nn.Parameter(torch.zeros(FEATURES)))

    def arrays(self) -> dict[str, Array]:
        """The trained weights by the wheel's names, and `gate`."""
        return {name: value.detach().numpy() for name, value in self.named_parameters()}

    def forward(self, texts: Sequence[npt.NDArray[np.int64]]) -> Tensor:
        """Embeddings of texts given as piece ids: shape (texts, 512)."""
        rows = [torch.from_numpy(text.astype(np.int64)) for text in texts]
        ids = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        mask = nn.utils.rnn.pad_sequence([torch.ones(len(row)) for row in rows], batch_first=True)
        w, m = self.get_parameter, mask[..., None]
        chunk = ids % CHUNKS
        tokens = self._table[ids].float() * self._scale[chunk] + self._low[chunk]
        projected = tokens @ self._joined("proj", 1) + self._joined("proj_b")
        size = (BRANCH * len(BRANCHES),)
        normed = F.layer_norm(projected, size, self._joined("ln_g"), self._joined("ln_b"), self._epsilon) * m
        parts = [tokens]
        for (order, left), x in zip(BRANCHES, normed.split(BRANCH, 2), strict=True):
            lower = self._layer(x, 1, order, left) * m
            parts.append(self._layer(lower, 2, order, left))
        features = torch.cat(parts, 2).float()
        features = F.layer_norm(features, (FEATURES,), w("ln_g"), w("ln_b"), self._epsilon)
        counts = m * (2 * torch.sigmoid(features @ w("gate")))[..., None]
        root = mask.sum(1, keepdim=True).sqrt()
        mean = (features * counts).sum(1) / root @ w("cnn_W") + w("cnn_b") * root
        y0 = F.relu(mean @ w("d0"))
        y1 = F.relu(mean @ w("p1") + y0 @ w("d1"))
        y2 = F.relu(y1 @ w("d2"))
        return F.normalize(torch.tanh(y1 @ w("p3") + y2 @ w("d3")).float(), dim=1)

    def _joined(self, prefix: str, axis: int = 0) -> Tensor:
        return torch.cat([self.get_parameter(f"{prefix}{order}") for order, _ in BRANCHES], axis)

    def _layer(self, x: Tensor, layer: int, order: int, left: int) -> Tensor:
        """A convolution over `order` neighbouring tokens, ReLU, and its input added."""
        padded, length = F.pad(x, (0, 0, left, order - 1 - left)), x.shape[1]
        near = torch.cat([padded[:, k : k + length] for k in range(order)], 2)
        return F.relu(near @ self.get_parameter(f"w{layer}_{order}") + self.get_parameter(f"b{layer}_{order}")) + x
