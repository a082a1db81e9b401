"""The fits behind the scorer of routes: what a description is about, and how much each feature counts."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pointsman_classifier.conversation import utterance
from pointsman_classifier.heads import CATEGORIES, softmax
from pointsman_classifier.logistic import fit_softmax, minimise
from pointsman_classifier.routes import CategoryOf, Prototypes, Reading, prototypes
from pointsman_classifier.scoring import (
    NULL_FEATURES,
    ROUTE_FEATURES,
    Observed,
    null_features,
    route_features,
)

from train.embeddings import EmbeddingCache
from train.policies import Case, Policy
from train.sources import seed_pairs

Array = npt.NDArray[Any]

PENALTY = 1e-5


class Sample(NamedTuple):
    """One case as the scorer sees it."""

    features: Array
    nothing: Array
    target: int
    """Row of the right route; the number of routes when none fits."""


def fit_describe(embed: EmbeddingCache, narrow: list[str], without: int | None = None) -> Array:
    """Weights that give a description's category: shape (513, 16). `without` leaves every fourth seed out.

    `narrow` are descriptions of single services and tools: they could be of `tools` or of `other`.
    """
    pairs = [p for i, p in enumerate(seed_pairs("descriptions.txt")) if without is None or i % 4 != without]
    column = {name: i for i, name in enumerate(CATEGORIES)}
    targets = np.zeros((len(pairs) + len(narrow), len(CATEGORIES)))
    for i, (category, _) in enumerate(pairs):
        targets[i, column[category]] = 1
    targets[len(pairs) :, [column["tools"], column["other"]]] = 0.5
    weight = np.concatenate([np.ones(len(pairs)), np.full(len(narrow), 10 / max(1, len(narrow)))])
    w, b = fit_softmax(embed([text for _, text in pairs] + narrow).astype(np.float64), targets, weight, 1e-3)
    return np.vstack([w, b]).astype(np.float32)


def samples(
    policy: Policy, embed: EmbeddingCache, reading: Reading, category_of: CategoryOf, centre: Array
) -> list[Sample]:
    """All cases of a policy."""
    routes = prototypes(policy.routes, lambda t: embed([t])[0], reading, category_of)
    return [_sample(case, routes, embed, category_of, centre) for case in policy.cases]


def _sample(case: Case, routes: Prototypes, embed: EmbeddingCache, category_of: CategoryOf, centre: Array) -> Sample:
    said = utterance(case.turns)
    last = embed([said.last])[0]
    past = said.window != ""
    seen = Observed(
        said.last,
        last,
        category_of(said.last, last),
        embed([said.assistant])[0] if past else None,
        embed([said.window])[0] if past else None,
        case.previous,
    )
    features = route_features(seen, routes, centre)
    target = routes.names.index(case.route) if case.route is not None else len(routes.names)
    return Sample(features - features.mean(axis=0), null_features(seen, routes, features), target)


def fit_scorer(data: list[Sample], weight: Array) -> tuple[Array, Array]:
    """Weights of the routes' features and of the features of "none"."""
    sizes = np.array([len(s.features) for s in data])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    x = np.vstack([s.features for s in data]).astype(np.float64)
    z = np.array([s.nothing for s in data], np.float64)
    nothing = np.array([s.target == len(s.features) for s in data], float)
    hit = np.zeros(len(x))
    hit[[start + s.target for start, s in zip(starts, data, strict=True) if s.target < len(s.features)]] = 1
    owner = np.repeat(np.arange(len(data)), sizes)
    weight = weight / weight.sum()

    def loss(flat: Array) -> tuple[float, Array]:
        w, v = flat[:ROUTE_FEATURES], flat[ROUTE_FEATURES:]
        a, b = x @ w, z @ v
        top = np.maximum(np.maximum.reduceat(a, starts), b)
        ea, eb = np.exp(a - top[owner]), np.exp(b - top)
        total = np.add.reduceat(ea, starts) + eb
        right = np.add.reduceat(a * hit, starts) + b * nothing
        value = -float(weight @ (right - top - np.log(total))) + PENALTY / 2 * float(flat @ flat)
        da = (ea / total[owner] - hit) * weight[owner]
        db = (eb / total - nothing) * weight
        return value, np.concatenate([x.T @ da, z.T @ db]) + PENALTY * flat

    best = minimise(loss, np.zeros(ROUTE_FEATURES + NULL_FEATURES), 400)
    return best[:ROUTE_FEATURES], best[ROUTE_FEATURES:]


def distribution(sample: Sample, w: Array, v: Array) -> Array:
    """Probabilities of a sample's routes and, last, of none."""
    return softmax(np.append(sample.features @ w, sample.nothing @ v))
