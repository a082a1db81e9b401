"""`python -m train.encoder DATA --teacher FOLDER …` in classifier/: moves the encoder's weights; makes encoder.npz.

What is learnt: texts that a larger English encoder (`train.teacher`) finds near are near, whatever their language. Each
step takes a batch of texts; the loss is how far each text's likenesses to the others, as probabilities, are from the
teacher's (relative entropy), for the embeddings themselves and for a linear map of them, and 1 - cosine of that map
with the teacher's vector. Beside them a few texts of labelled topics (`train.topics`) have to find their like.
Embeddings and vectors are taken around their means, and the mean embedding is held short.

Needs PyTorch 2 and `tokenizers`, which are no dependencies of the project. Half an hour of one core. Everything else
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
from train.losses import likeness, together
from train.network import Network
from train.teacher import Teacher
from train.topics import Topic, batch, taught

_STEPS, _BATCH, _WARM_UP, _MOST_TOKENS, _END = 2300, 224, 100, 96, 8
_RATE, _GATE_RATE, _MAP_RATE, _DECAY = 4e-4, 1.2e-3, 3e-4, 0.01
_HELD = 0.3
"""Weight of the mean embedding's squared length: a long mean leaves the rest of an embedding to rounding."""

_TOPIC, _TOPIC_TEXTS, _TOPICS = 0.8, 64, 16
"""Weight of the topics' loss; texts and, at most, topics of its batch."""

_SHARES = {"sentences": 0.5, "domains": 0.35, "exams": 0.15}

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
    topics = taught(arguments.data, arguments.wordnet)
    print(len(pairs), "texts", flush=True)
    teach = EmbeddingCache(Teacher(arguments.teacher), arguments.cache)
    meant = teach([meaning for _, meaning in pairs])
    teach.save()
    after = fit([said for said, _ in pairs], meant, topics)
    print("encoder.npz", artefact.write(arguments.out, "encoder", difference(wheel(), after)))


def fit(texts: Sequence[str], meant: npt.NDArray[np.float32], topics: dict[str, list[Topic]]) -> dict[str, Array]:
    """Weights whose embeddings of the texts are alike where the teacher's vectors (n, 384) are, or the topics."""
    torch.set_num_threads(1)  # threads change the order of sums
    torch.manual_seed(0)
    network, onto, pieces = Network(wheel()), nn.Linear(512, meant.shape[1]), _Pieces()
    around = meant - meant.mean(axis=0)
    wanted = F.normalize(torch.from_numpy(around), dim=1)
    draw = np.random.default_rng(0)
    middle = _start(network, onto, pieces, texts, wanted, draw)
    groups = [
        {"params": [w for name, w in network.named_parameters() if name != "gate"], "lr": _RATE},
        {"params": [network.gate], "lr": _GATE_RATE, "weight_decay": 0.0},
        {"params": onto.parameters(), "lr": _MAP_RATE},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=_DECAY, betas=(0.9, 0.98))
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1, (step + 1) / _WARM_UP) * 0.5 * (1 + np.cos(np.pi * step / _STEPS)) + 0.005
    )
    sources, order = sorted(topics), list[int]()
    odds = np.array([_SHARES[source] for source in sources])
    odds /= odds.sum()
    for step in range(_STEPS):
        if len(order) < _BATCH:
            order = draw.permutation(len(texts)).tolist()
        rows = [order.pop() for _ in range(_BATCH)]
        source = sources[int(draw.choice(len(sources), p=odds))]
        said, own = batch(topics[source], _TOPIC_TEXTS, _TOPICS, draw)
        embeddings = _embed(network, pieces([*(texts[row] for row in rows), *said]))
        apart = F.normalize(embeddings - middle, dim=1)
        loss = (
            likeness(apart[:_BATCH], onto, wanted[rows])
            + _TOPIC * together(apart[_BATCH:], torch.tensor(own))
            + _HELD * embeddings[:_BATCH].mean(0).square().sum()
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        rate.step()
        middle = 0.98 * middle + 0.02 * embeddings[:_BATCH].detach().mean(0)
        if step % 100 == 99:
            print(f"step {step + 1} of {_STEPS}: loss {loss.item():.3f}, mean {middle.norm().item():.2f}", flush=True)
    return {**network.arrays(), "centre": middle.numpy()}


@torch.no_grad()
def _start(
    network: Network,
    onto: nn.Linear,
    pieces: "_Pieces",
    texts: Sequence[str],
    wanted: Tensor,
    draw: np.random.Generator,
) -> Tensor:
    """Starts the map where a ridge regression leaves it; gives the mean embedding."""
    rows = draw.permutation(len(texts))[:4000].tolist()
    embeddings = _embed(network, pieces([texts[row] for row in rows]))
    middle = embeddings.mean(0)
    x = F.normalize(embeddings - middle, dim=1)
    fitted = torch.linalg.solve(x.T @ x / len(x) + _RIDGE * torch.eye(x.shape[1]), x.T @ wanted[rows] / len(x))
    onto.weight.copy_(3 * fitted.T)
    onto.bias.zero_()
    return middle


class _Pieces:
    """Texts as ids of pieces, the middle of long ones left out."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer()
        self._known: dict[str, Ids] = {}

    def __call__(self, texts: Sequence[str]) -> list[Ids]:
        for text in texts:
            if text not in self._known:
                ids = self._tokenizer.encode(text)[0]
                cut = len(ids) > _MOST_TOKENS
                self._known[text] = np.concatenate([ids[: _MOST_TOKENS - _END], ids[-_END:]]) if cut else ids
        return [self._known[text] for text in texts]


def _embed(network: Network, texts: Sequence[Ids]) -> Tensor:
    """Embeddings of texts; those of one length are run together, so that little is padded."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    parts = [order[start : start + _AT_ONCE] for start in range(0, len(order), _AT_ONCE)]
    with torch.autocast("cpu", torch.bfloat16):
        embeddings = torch.cat([network([texts[i] for i in part]) for part in parts])
    return embeddings[torch.tensor(np.argsort(order))]


if __name__ == "__main__":
    main()
