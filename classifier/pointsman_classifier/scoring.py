"""How well a conversation fits each route, as calibrated probabilities; what is missing from 1 fits none.

A route's logit is linear in a few features of a user turn and the assistant's turn before it, compared with the other
routes', and in how the route relates to the one that was asked for before. "None of them" has a logit too, from how
high the best of these features are. The weights are shared by all policies and were learnt on many of them
(`classifier/train/routes.py`), so a new route needs no training. `following` carries what is believed from one turn of
a conversation to the next.
"""

from collections.abc import Container, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pointsman_classifier import lexical, towers
from pointsman_classifier.conversation import SILENCE
from pointsman_classifier.following import follow
from pointsman_classifier.heads import load_artefact
from pointsman_classifier.routes import CategoryOf, Prototypes, Reading
from pointsman_classifier.vectors import unit

Array = npt.NDArray[np.float32]

_SMOOTHING = 0.03


class Exchange(NamedTuple):
    """A user turn and the assistant's turn before it, if there was one."""

    text: str
    vector: Array
    """Embedding of the user turn, shape (512,)."""
    category: Array
    """Its category probabilities, shape (16,)."""
    assistant_text: str = ""
    assistant: Array | None = None


class Observed(NamedTuple):
    """One conversation as arrays, earliest exchange first; at least one."""

    exchanges: tuple[Exchange, ...]
    previous_route: str | None = None


def exchanges(texts: Sequence[str], vectors: Array, category_of: CategoryOf) -> tuple[Exchange, ...]:
    """The exchanges of a last user turn and its context, in `conversation.Utterance`'s order, with their embeddings."""
    found = []
    for i in range(0, len(texts), 2):
        if i > 0 and texts[i] == SILENCE:
            continue
        answered = i + 1 < len(texts) and texts[i + 1] != SILENCE
        before = (texts[i + 1], vectors[i + 1]) if answered else ("", None)
        found.append(Exchange(texts[i], vectors[i], category_of(texts[i], vectors[i]), *before))
    return tuple(reversed(found))


class Weights(NamedTuple):
    """What the artefact holds beside the reading of descriptions."""

    request_centre: Array
    assistant_centre: Array
    turning: Array
    """From both turns' centred embeddings and a 1 to two logits: the user goes on with the same route; if not, with one
    of the same domain. Shape (1025, 2)."""
    routes: Array
    """Shape (TURN_FEATURES + MOVE_FEATURES,)."""
    nothing: Array
    """Shape (NULL_FEATURES,)."""


class Turned(NamedTuple):
    """One exchange's features."""

    routes: Array
    """Shape (n, TURN_FEATURES), less their mean over the routes: levels that all share are for `nothing` to weigh."""
    nothing: Array
    """Shape (NULL_FEATURES,), as for a conversation's start."""
    turning: Array
    """The logits of `Weights.turning`, shape (2,)."""


class Scorer:
    """The shipped weights. Immutable, so thread-safe."""

    def __init__(self, arrays: dict[str, Array], digest: str) -> None:
        self.digest = digest
        self.reading = Reading(arrays["describe"], arrays["route_centre"], towers.from_arrays(arrays))
        self._weights = Weights(
            arrays["request_centre"],
            arrays["assistant_centre"],
            arrays["turning"],
            arrays["route_weights"],
            arrays["null_weights"],
        )

    @classmethod
    def load(cls) -> "Scorer":
        """The shipped scorer. Raises DamagedArtefactError."""
        return cls(*load_artefact("routes"))

    def fit(self, seen: Observed, routes: Prototypes, eligible: Container[str]) -> dict[str, float]:
        """Probability of each eligible route, in the policy's order; what is missing from 1 is that none fits."""
        w = self._weights
        rows = np.array([i for i, name in enumerate(routes.names) if name in eligible])
        if not len(rows):
            return {}
        turns = [turn_features(each, routes, self.reading, w, rows) for each in seen.exchanges]
        previous = np.flatnonzero(np.array([routes.names[row] == seen.previous_route for row in rows]))
        moves = Moves(routes.near[np.ix_(rows, rows)], routes.siblings[np.ix_(rows, rows)])
        believed = follow(
            [turn.routes @ w.routes[:TURN_FEATURES] for turn in turns],
            lambda t, previous: float(null_features(turns[t], previous) @ w.nothing),
            lambda t, previous: move_features(previous, moves, turns[t].turning) @ w.routes[TURN_FEATURES:],
            int(previous[0]) if len(previous) else None,
        )
        return {routes.names[row]: float(p) for row, p in zip(rows, believed, strict=False)}


class Moves(NamedTuple):
    """How the routes in question relate to each other: see `Prototypes`."""

    near: Array
    siblings: npt.NDArray[np.bool_]


def turn_features(
    turn: Exchange, routes: Prototypes, reading: Reading, weights: Weights, rows: npt.NDArray[np.int64]
) -> Turned:
    """Features of one exchange with the routes `rows`."""
    n, u = len(routes.names), turn.vector
    centred = u - weights.request_centre
    meant = reading.towers.user((u - reading.towers.centre)[None])[0]
    plain = np.stack(
        [
            routes.full @ u,
            routes.description @ u,
            routes.title @ u,
            routes.centred @ unit(centred),
            lexical.similarity(routes.words, turn.text),
            _agreement(turn.category, routes.categories),
            *_by_familiarity(routes, meant),
        ],
        axis=1,
    )
    answered = np.zeros((n, _ANSWERED), np.float32)
    before = np.zeros(512, np.float32)
    if turn.assistant is not None:
        before = turn.assistant - weights.assistant_centre
        offered = reading.towers.assistant((turn.assistant - reading.towers.centre)[None])[0]
        wording = lexical.similarity(routes.words, turn.assistant_text)
        answered = np.stack([routes.centred @ unit(before), wording, *_by_familiarity(routes, offered)], axis=1)
    has = (routes.example_counts > 0).astype(np.float32)[:, None]
    few = np.float32(max(0.0, 1.0 - routes.example_counts.mean() / _MANY))
    first = np.float32(turn.assistant is None)
    apart = np.float32(_diversity(routes.categories))
    learnt = np.zeros(n, np.float32) if routes.learnt is None else routes.learnt.logits(turn.text, u)
    shown = _example_features(u, learnt, routes)
    taught, many = np.hstack([plain * has, shown]), has * (1 - few)
    kept = plain[:, _AGREEMENT:]  # with many examples what they teach decides, beside the categories and the towers
    enough = np.hstack([kept, kept[:, :1] * apart, shown[:, -2:]]) * many
    plain = plain * (1 - many)
    blocks = [plain * (1 - has), has, taught * few, enough, plain * apart, plain * first, answered]
    features = np.hstack(blocks)
    return Turned(
        features[rows] - features[rows].mean(axis=0),
        _null(turn, routes, plain[rows], shown[rows], learnt[rows], apart, few),
        np.concatenate([centred, before, np.ones(1, np.float32)]) @ weights.turning,
    )


_MANY = 5.0
"""From so many examples a route on, what they teach is weighed as if there were any number."""

_PLAIN, _SHOWN, _ANSWERED = 8, 5, 4
_AGREEMENT = 5
"""Column of the categories' agreement; the towers' follow it."""

TURN_FEATURES = 4 * _PLAIN + 1 + _SHOWN + 6 + _ANSWERED
MOVE_FEATURES = 7
NULL_FEATURES = 5 + _PLAIN + 3 + 2 * 6 + 2


def move_features(previous: int | None, moves: Moves, turning: Array) -> Array:
    """Features of each route after `previous`, a number of a route: shape (n, MOVE_FEATURES)."""
    n = len(moves.near)
    features = np.zeros((n, MOVE_FEATURES), np.float32)
    if previous is not None:
        same, near, siblings = np.zeros(n, np.float32), moves.near[previous], moves.siblings[previous]
        same[previous] = 1
        stays, sibling = turning
        columns = [same, same * stays, siblings, siblings * stays, siblings * sibling, near, near * stays]
        features[:] = np.stack(columns, axis=1)
    return features


def null_features(turned: Turned, previous: int | None) -> Array:
    """Features of the possibility that no route fits, after `previous` or at a conversation's start."""
    features = turned.nothing.copy()
    if previous is not None:
        features[-2:] = 1, turned.turning[0]
    return features


def _null(
    turn: Exchange, routes: Prototypes, plain: Array, shown: Array, learnt: Array, apart: np.float32, few: np.float32
) -> Array:
    best, mean, has = plain.max(axis=0), plain.mean(axis=0), routes.example_counts > 0
    top = learnt.max()
    total = top + np.log(np.exp(learnt - top).sum())
    sure, near = top - total, shown[:, 0].max()
    taught = np.array([1, total, top, sure, sure * np.log(len(learnt)), near]) * (routes.learnt is not None)
    return np.array(
        [
            1.0,
            np.log(len(routes.names)),
            has.mean(),
            turn.assistant is not None,
            apart,
            *best,
            mean[0],
            mean[3],
            best[5] * apart,
            *(taught * few),
            *(taught * (1 - few)),
            0.0,
            0.0,
        ],
        np.float32,
    )


def _by_familiarity(routes: Prototypes, vector: Array) -> tuple[Array, Array]:
    """Cosines in the towers' space, of familiar and of unfamiliar routes."""
    cosines = routes.shared @ vector
    cosines -= cosines.mean()  # so that in a policy of both kinds neither is ahead
    return cosines * routes.familiarity, cosines * (1 - routes.familiarity)


def _example_features(u: Array, learnt: Array, routes: Prototypes) -> Array:
    """Best and mean-of-best-three cosines with a route's examples, and what was learnt of them; else 0."""
    features = np.zeros((len(routes.names), _SHOWN), np.float32)
    if routes.learnt is None:
        return features
    cosines = np.append(routes.examples @ u, -np.inf)[routes.slots]
    best = -np.sort(-cosines, axis=1)[:, :3]
    there = np.isfinite(best)
    features[:, 0] = np.where(there[:, 0], best[:, 0], 0)
    features[:, 1] = np.where(there, best, 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    features[:, 2] = routes.centroids @ unit(u - routes.middle)
    features[:, 3] = learnt
    features[:, 4] = learnt * np.log(len(routes.names)) / 5
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
