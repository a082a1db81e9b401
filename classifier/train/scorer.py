"""The fits behind the scorer of routes: what a description is about, whether a user goes on with a route, and how much
each feature counts."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pointsman_classifier.exchange import Exchange
from pointsman_classifier.folding import Weights
from pointsman_classifier.heads import CATEGORIES, softmax
from pointsman_classifier.logistic import fit_softmax, minimise
from pointsman_classifier.observing import Observer
from pointsman_classifier.routes import CategoryOf, Reading, prototypes
from pointsman_classifier.scoring import observer
from pointsman_classifier.usual import log_total
from pointsman_classifier.view import View, view
from pointsman_classifier.weighing import (
    DESCRIBED,
    MOVE_FEATURES,
    NULL_FEATURES,
    TAUGHT,
    TURN_FEATURES,
    move_features,
    null_features,
    null_move_features,
    route_features,
)

from train.embeddings import EmbeddingCache
from train.intents import Library
from train.policies import Case, Policy
from train.sources import seed_pairs

Array = npt.NDArray[Any]

PENALTY = 1e-4
_NULL_PENALTY = 3e-3
"""On the weights of "none", by the features' deviations."""
_STEPS, _NULL_STEPS = 150, 400
ROUTE_FEATURES = TURN_FEATURES + MOVE_FEATURES
_CONSTANT = 1e-5


class Sample(NamedTuple):
    """One case as the scorer sees it."""

    features: Array
    nothing: Array
    target: int
    """Row of the right route; the number of routes when none fits."""
    taught: bool
    """Whether the policy has examples."""


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


def fit_turning(embed: EmbeddingCache, library: Library, user: Array, assistant: Array) -> Array:
    """`folding.Weights.turning` from dialogues; `user` and `assistant` are the centres of their turns."""
    later = [(s, name) for name, intent in library.items() for s in intent.utterances if s.before is not None]
    turned = np.hstack([embed([s.text for s, _ in later]) - user, embed([s.assistant for s, _ in later]) - assistant])
    stays = np.array([s.before == name for s, name in later])
    sibling = np.array([str(s.before).partition(".")[0] == name.partition(".")[0] for s, name in later])
    return np.stack([_fit_logit(turned, stays), _fit_logit(turned[~stays], sibling[~stays])], axis=1)


def _fit_logit(x: Array, right: Array) -> Array:
    targets = np.stack([~right, right], axis=1).astype(np.float64)
    w, b = fit_softmax(x.astype(np.float64), targets, np.ones(len(x)), 3e-4, 100)
    return np.append(w[:, 1] - w[:, 0], b[1] - b[0]).astype(np.float32)


def samples(
    policy: Policy, embed: EmbeddingCache, reading: Reading, category_of: CategoryOf, weights: Weights
) -> list[Sample]:
    """All cases of a policy."""
    made = prototypes(policy.routes, lambda t: embed([t])[0], reading, category_of)
    routes, looking = view(made, weights.request_centre, weights.assistant_centre), observer(reading, weights)
    return [_sample(case, routes, embed, looking, category_of) for case in policy.cases]


def _sample(case: Case, routes: View, embed: EmbeddingCache, looking: Observer, category_of: CategoryOf) -> Sample:
    text, assistant = case.spoken.text, case.spoken.assistant
    vector = embed([text])[0]
    before = embed([assistant])[0] if assistant else None
    seen = looking.observe((Exchange(text, vector, category_of(text, vector), assistant, before),), routes)
    features = route_features(seen.columns[0], bool(seen.opening[0]), routes)
    previous = routes.names.index(case.previous) if case.previous is not None else None
    moves = move_features(previous, routes.near, routes.siblings, seen.turning[0])
    (nothing,) = null_features(seen, routes)
    if previous is not None:
        nothing[-2:] = null_move_features(seen.turning[0])
    target = routes.names.index(case.route) if case.route is not None else len(routes.names)
    return Sample(np.hstack([features - features.mean(axis=0), moves]), nothing, target, routes.usual is not None)


def fit_scorer(data: list[Sample], weight: Array) -> tuple[Array, Array]:
    """Weights of the routes' features and of the features of "none": first which route it is of those that fit, then
    whether any does. So what a stranger looks like changes nothing between routes."""
    w = _fit_routes([(s, x) for s, x in zip(data, weight, strict=True) if s.target < len(s.features)])
    return w, _fit_nothing(data, weight, w)


def _fit_routes(data: list[tuple[Sample, float]]) -> Array:
    sizes = np.array([len(s.features) for s, _ in data])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    x = np.vstack([s.features for s, _ in data])
    hit = np.zeros(len(x))
    hit[starts + [s.target for s, _ in data]] = 1
    owner = np.repeat(np.arange(len(data)), sizes)
    weight = np.array([each for _, each in data])
    weight /= weight.sum()

    def loss(w: Array) -> tuple[float, Array]:
        logits = (x @ w.astype(np.float32)).astype(np.float64)
        top = np.maximum.reduceat(logits, starts)
        odds = np.exp(logits - top[owner])
        total = np.add.reduceat(odds, starts)
        right = np.add.reduceat(logits * hit, starts)
        value = -float(weight @ (right - top - np.log(total))) + PENALTY / 2 * float(w @ w)
        back = (odds / total[owner] - hit) * weight[owner]
        return value, x.T @ back.astype(np.float32) + PENALTY * w

    return minimise(loss, np.zeros(ROUTE_FEATURES), _STEPS)


def _fit_nothing(data: list[Sample], weight: Array, w: Array) -> Array:
    z = np.array([s.nothing for s in data], np.float64)
    nothing = np.array([s.target == len(s.features) for s in data], float)
    level = np.array([log_total((s.features @ w)[None])[0] - _all_together(s, w) for s in data])
    spread = z.std(axis=0)
    spread[spread < _CONSTANT] = 1
    z /= spread
    penalty = np.full(NULL_FEATURES, _NULL_PENALTY)
    penalty[[0, DESCRIBED, DESCRIBED + TAUGHT]] = 0
    weight = weight / weight.sum()

    def loss(v: Array) -> tuple[float, Array]:
        logit = z @ v - level
        value = float(weight @ (np.logaddexp(0, logit) - nothing * logit)) + float(penalty @ (v * v)) / 2
        return value, z.T @ (weight * (1 / (1 + np.exp(-logit)) - nothing)) + penalty * v

    return minimise(loss, np.zeros(NULL_FEATURES), _NULL_STEPS) / spread


def _all_together(sample: Sample, w: Array) -> float:
    """What the logit of "none" is counted from: with examples, all routes by this turn alone."""
    turn = sample.features[:, :TURN_FEATURES] @ w[:TURN_FEATURES]
    return float(log_total(turn[None])[0]) if sample.taught else 0.0


def distribution(sample: Sample, w: Array, v: Array) -> Array:
    """Probabilities of a sample's routes and, last, of none."""
    return softmax(np.append(sample.features @ w, sample.nothing @ v + _all_together(sample, w)))
