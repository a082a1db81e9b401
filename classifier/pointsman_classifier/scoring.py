"""How well a conversation fits each route, as calibrated probabilities; what is missing from 1 fits none.

A route's logit is linear in a few features, compared with the other routes' and with weights of their own for routes
that have examples and conversations that have a past. "None of them" has a logit too, from how high the best of these
features are. The weights are shared by all policies and were learnt on many of them (`classifier/train/routes.py`), so
a new route needs no training.
"""

from collections.abc import Container
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pointsman_classifier import lexical
from pointsman_classifier.heads import load_artefact, softmax
from pointsman_classifier.routes import Prototypes, Reading, unit

Array = npt.NDArray[np.float32]

_SMOOTHING = 0.03


class Observed(NamedTuple):
    """One conversation as arrays."""

    text: str
    last: Array
    """Embedding of the last user turn, shape (512,)."""
    category: Array
    """Its category probabilities, shape (16,)."""
    assistant: Array | None = None
    window: Array | None = None
    """Embeddings of the context, or None at a conversation's start."""
    previous_route: str | None = None


class Scorer:
    """The shipped weights. Immutable, so thread-safe."""

    def __init__(self, arrays: dict[str, Array], digest: str) -> None:
        self.digest = digest
        self.reading = Reading(arrays["describe"], arrays["route_centre"])
        self._centre = arrays["request_centre"]
        self._weights, self._null_weights = arrays["route_weights"], arrays["null_weights"]

    @classmethod
    def load(cls) -> "Scorer":
        """The shipped scorer. Raises DamagedArtefactError."""
        return cls(*load_artefact("routes"))

    def fit(self, seen: Observed, routes: Prototypes, eligible: Container[str]) -> dict[str, float]:
        """Probability of each eligible route, in the policy's order; what is missing from 1 is that none fits."""
        features = route_features(seen, routes, self._centre)
        nothing = null_features(seen, routes, features) @ self._null_weights
        features -= features.mean(axis=0)  # levels that all routes share are for `null_features` to weigh
        rows = [i for i, name in enumerate(routes.names) if name in eligible]
        odds = softmax(np.append(features[rows] @ self._weights, nothing))
        return {routes.names[row]: float(p) for row, p in zip(rows, odds, strict=False)}


def route_features(seen: Observed, routes: Prototypes, centre: Array) -> Array:
    """Features of a conversation with each route, shape (n, ROUTE_FEATURES).

    `centre` is the mean embedding of many requests, subtracted so that what all of them share does not count.
    """
    n = len(routes.names)
    u = seen.last
    plain = np.stack(
        [
            routes.full @ u,
            routes.description @ u,
            routes.title @ u,
            routes.centred @ unit(u - centre),
            lexical.similarity(routes.words, seen.text),
            _agreement(seen.category, routes.categories),
        ],
        axis=1,
    )
    has = (routes.example_counts > 0).astype(np.float32)[:, None]
    shown = _example_features(u, routes)
    context = np.zeros((n, 2), np.float32)
    if seen.assistant is not None and seen.window is not None:
        context[:, 0] = routes.centred @ unit(seen.assistant - centre)
        context[:, 1] = routes.centred @ unit(seen.window - centre)
    past = np.float32(seen.window is not None)
    stay = _stay(seen.previous_route, routes)
    apart = np.float32(_diversity(routes.categories))
    return np.hstack([plain * (1 - has), plain * has, has, shown, plain * past, plain * apart, context, stay])


ROUTE_FEATURES = 6 + 6 + 1 + 4 + 6 + 6 + 2 + 2


def null_features(seen: Observed, routes: Prototypes, features: Array) -> Array:
    """Features of the possibility that no route fits, shape (NULL_FEATURES,), from `route_features`."""
    plain = features[:, :6] + features[:, 6:12]
    best, mean = plain.max(axis=0), plain.mean(axis=0)
    apart = _diversity(routes.categories)
    shown = features[:, 13:17].max(axis=0)
    return np.array(
        [
            1.0,
            np.log(len(routes.names)),
            float((routes.example_counts > 0).mean()),
            float(seen.window is not None),
            float(seen.previous_route is not None),
            apart,
            *best,
            mean[0],
            mean[3],
            best[5] * apart,
            *shown,
            min(len(seen.text), 40) / 40,
        ],
        np.float32,
    )


NULL_FEATURES = 6 + 6 + 3 + 4 + 1


def _example_features(u: Array, routes: Prototypes) -> Array:
    """Best and mean-of-best-three cosines with a route's examples, and what was learnt of them; else 0."""
    features = np.zeros((len(routes.names), 4), np.float32)
    if not len(routes.examples):
        return features
    cosines = np.append(routes.examples @ u, -np.inf)[routes.slots]
    best = -np.sort(-cosines, axis=1)[:, :3]
    there = np.isfinite(best)
    features[:, 0] = np.where(there[:, 0], best[:, 0], 0)
    features[:, 1] = np.where(there, best, 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    centred = unit(u - routes.middle)
    features[:, 2] = routes.centroids @ centred
    learnt = centred @ routes.linear[:-1] + routes.linear[-1]
    features[:, 3] = learnt - learnt.max() - np.log(np.exp(learnt - learnt.max()).sum())
    return features


def _stay(previous: str | None, routes: Prototypes) -> Array:
    """Whether a route, or another of its domain, answered the turn before."""
    features = np.zeros((len(routes.names), 2), np.float32)
    if previous in routes.names:
        last = routes.names.index(previous)
        features[last, 0] = 1
        domain = routes.domains[last]
        if domain:
            features[:, 1] = [float(other == domain) for other in routes.domains]
            features[last, 1] = 0
    return features


def _diversity(categories: Array) -> float:
    """How much the routes' categories differ: 0 when they are all of one, 1 when no two share any."""
    n = len(categories)
    if n < 2:
        return 1.0
    total = categories.sum(axis=0)
    return 1.0 - float(total @ total - (categories * categories).sum()) / (n * (n - 1))


def _agreement(request: Array, routes: Array) -> Array:
    """Log of how much likelier request and route are of one category than by chance; 0 tells nothing."""
    classes = request.shape[0]
    p = (1 - _SMOOTHING) * request + _SMOOTHING / classes
    q = (1 - _SMOOTHING) * routes + _SMOOTHING / classes
    agreement: Array = np.log(classes * (q @ p))
    return agreement
