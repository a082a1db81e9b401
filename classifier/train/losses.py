"""What the encoder's training makes small. Vectors are rows of unit length, taken around their mean."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

_SHARPNESS = 1 / 0.07
"""Of likenesses as probabilities."""

_TOPIC_SHARPNESS = 10.0


def likeness(apart: Tensor, onto: nn.Linear, near: Tensor) -> Tensor:
    """How far embeddings around their mean, and their map, are from the teacher's vectors."""
    mapped, shares = F.normalize(onto(apart), dim=1), _shares(near).exp()
    return 1 - (mapped * near).sum(1).mean() + _divergence(shares, apart) + _divergence(shares, mapped)


def together(apart: Tensor, own: Tensor) -> Tensor:
    """Supervised contrastive loss: how far from each text the others of its topic are, beside all others."""
    others = ~torch.eye(len(own), dtype=torch.bool)
    same = (own[:, None] == own) & others
    shares = torch.log_softmax(_TOPIC_SHARPNESS * (apart @ apart.T) - 1e9 * ~others, 1)
    return -((shares * same).sum(1) / same.sum(1)).mean()


def _shares(vectors: Tensor) -> Tensor:
    """Logarithms of each row's likenesses to the others as probabilities."""
    logits = _SHARPNESS * (vectors @ vectors.T) - 1e9 * torch.eye(len(vectors))
    return torch.log_softmax(logits, 1)


def _divergence(shares: Tensor, vectors: Tensor) -> Tensor:
    """Relative entropy, the mean over the rows."""
    return (shares * ((shares + 1e-9).log() - _shares(vectors))).sum(1).mean()
