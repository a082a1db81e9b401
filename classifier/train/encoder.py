"""`python -m train.encoder DATA --teacher FOLDER …` in classifier/: moves the encoder's weights; makes encoder.npz.

What is learnt: texts that a larger English encoder (`train.teacher`) finds near are near, whatever their language. Each
step takes a batch of texts; the loss is how far each text's likenesses to the others, as probabilities, are from the
teacher's (relative entropy), for the embeddings themselves and for a linear map of them, and 1 - cosine of that map
with the teacher's vector. Embeddings and vectors are taken around their means.

Needs PyTorch 2 and `tokenizers`, which are no dependencies of the project. An hour of one core. Everything else
(`python -m train`) is to be fitted again afterwards, since all embeddings change. How it was chosen:
docs/decisions/classifier-encoder.md.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pointsman_classifier.tokenizer import Tokenizer
from pointsman_classifier.tuned import difference, wheel
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from train import artefact
from train.corpus import corpus
from train.embeddings import EmbeddingCache
from train.network import Network
from train.teacher import Teacher

_STEPS, _BATCH, _WARM_UP, _MOST_TOKENS, _END = 3400, 256, 100, 96, 8
_RATE, _GATE_RATE, _MAP_RATE, _DECAY = 4e-4, 1.2e-3, 3e-4, 0.01
_SHARPNESS = 1 / 0.07
"""Of likenesses as probabilities."""

_RIDGE = 2e-4
_AT_ONCE = 64

Ids = npt.NDArray[np.int64]
Array = npt.NDArray[Any]


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(prog="train.encoder", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "--teacher", type=Path, required=True, help="folder of bge-small-en-v1.5.onnx and its tokenizer"
    )
    parser.add_argument("--wordnet", type=Path, required=True, help="folder of WordNet's data.noun and the others")
    parser.add_argument("--translations", type=Path, required=True, help="folder of Debian's Translation-* files")
    parser.add_argument("--chat", type=Path, required=True, help="folder of ChatterBot's corpus")
    parser.add_argument("--cache", type=Path, help="keep the teacher's vectors here between runs")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "pointsman_classifier" / "artefacts")
    arguments = parser.parse_args()
    pairs = corpus(arguments.data, arguments.wordnet, arguments.translations, arguments.chat)
    print(len(pairs), "texts", flush=True)
    teach = EmbeddingCache(Teacher(arguments.teacher), arguments.cache)
    meant = teach([meaning for _, meaning in pairs])
    teach.save()
    tokenizer = Tokenizer()
    after = fit([_shortened(tokenizer.encode(said)[0]) for said, _ in pairs], meant)
    print("encoder.npz", artefact.write(arguments.out, "encoder", difference(wheel(), after)))


def _shortened(ids: Ids) -> Ids:
    return ids if len(ids) <= _MOST_TOKENS else np.concatenate([ids[: _MOST_TOKENS - _END], ids[-_END:]])


def fit(texts: Sequence[Ids], meant: npt.NDArray[np.float32]) -> dict[str, Array]:
    """Weights whose embeddings of the texts, given as piece ids, are alike where the teacher's vectors (n, 384) are."""
    torch.set_num_threads(1)  # threads change the order of sums
    torch.manual_seed(0)
    network, onto = Network(wheel()), nn.Linear(512, meant.shape[1])
    around = meant - meant.mean(axis=0)
    wanted = F.normalize(torch.from_numpy(around), dim=1)
    draw = np.random.default_rng(0)
    middle = _start(network, onto, texts, wanted, draw)
    groups = [
        {"params": [w for name, w in network.named_parameters() if name != "gate"], "lr": _RATE},
        {"params": [network.gate], "lr": _GATE_RATE, "weight_decay": 0.0},
        {"params": onto.parameters(), "lr": _MAP_RATE},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=_DECAY, betas=(0.9, 0.98))
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1, (step + 1) / _WARM_UP) * 0.5 * (1 + np.cos(np.pi * step / _STEPS)) + 0.005
    )
    order: list[int] = []
    for step in range(_STEPS):
        if len(order) < _BATCH:
            order = draw.permutation(len(texts)).tolist()
        embeddings, rows = _embed(network, texts, [order.pop() for _ in range(_BATCH)])
        near, apart = wanted[rows], F.normalize(embeddings - middle, dim=1)
        mapped, shares = F.normalize(onto(apart), dim=1), _shares(near).exp()
        loss = 1 - (mapped * near).sum(1).mean() + _divergence(shares, apart) + _divergence(shares, mapped)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        rate.step()
        middle = 0.98 * middle + 0.02 * embeddings.detach().mean(0)
        if step % 100 == 99:
            print(f"step {step + 1} of {_STEPS}: loss {loss.item():.3f}", flush=True)
    return {**network.arrays(), "centre": middle.numpy()}


@torch.no_grad()
def _start(
    network: Network, onto: nn.Linear, texts: Sequence[Ids], wanted: Tensor, draw: np.random.Generator
) -> Tensor:
    """Starts the map where a ridge regression leaves it; gives the mean embedding."""
    embeddings, rows = _embed(network, texts, draw.permutation(len(texts))[:4000].tolist())
    middle = embeddings.mean(0)
    x = F.normalize(embeddings - middle, dim=1)
    fitted = torch.linalg.solve(x.T @ x / len(x) + _RIDGE * torch.eye(x.shape[1]), x.T @ wanted[rows] / len(x))
    onto.weight.copy_(3 * fitted.T)
    onto.bias.zero_()
    return middle


def _embed(network: Network, texts: Sequence[Ids], rows: list[int]) -> tuple[Tensor, list[int]]:
    """Embeddings of some texts, and the order they are in: by length, so that little is padded."""
    rows = sorted(rows, key=lambda row: len(texts[row]))
    parts = [rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE)]
    with torch.autocast("cpu", torch.bfloat16):
        return torch.cat([network([texts[row] for row in part]) for part in parts]), rows


def _shares(vectors: Tensor) -> Tensor:
    """Logarithms of each row's likenesses to the others as probabilities."""
    logits = _SHARPNESS * (vectors @ vectors.T) - 1e9 * torch.eye(len(vectors))
    return torch.log_softmax(logits, 1)


def _divergence(shares: Tensor, vectors: Tensor) -> Tensor:
    """Relative entropy, the mean over the rows."""
    return (shares * ((shares + 1e-9).log() - _shares(vectors))).sum(1).mean()


if __name__ == "__main__":
    main()
