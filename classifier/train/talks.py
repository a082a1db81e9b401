"""Dialogues as the filter over conversations sees them: whole ones, among the routes of many services, some of which
neither the towers nor the turning had seen."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pointsman_classifier.conversation import CONTEXT_CHARACTERS
from pointsman_classifier.dialogue import Ways, ways
from pointsman_classifier.exchange import Exchange
from pointsman_classifier.folding import Weights
from pointsman_classifier.observing import ANSWERED, PLAIN, Seen
from pointsman_classifier.routes import CategoryOf, Reading, RouteText, prototypes
from pointsman_classifier.scoring import observer
from pointsman_classifier.view import view
from pointsman_classifier.weighing import TURN_FEATURES, route_features

from train.cases.dialogues import intent_of, wordings
from train.cases.files import label
from train.embeddings import EmbeddingCache
from train.sources import rows

Array = npt.NDArray[Any]

_VARIANTS = (0, 0, 1, 2, 3, 4)
"""How the routes of each policy are written: see `_written`."""

_KEPT = 0.6
"""Share of a group's dialogues that each policy is tried on."""


class Talk(NamedTuple):
    """One dialogue among the routes of one policy: T user turns, n routes."""

    said: Array
    """Centred embeddings of the user's turns, of the assistant's before them, and whether there is one: (T, 1025)."""
    fits: Array
    """What is observed of the routes, and the scorer's logit at the end: shape (T, FITS, n)."""
    route: npt.NDArray[np.int64]
    """Row of each turn's route, -1 for none: shape (T,)."""
    among: Ways


class Looking(NamedTuple):
    """What looks at the turns: it never saw the services in question."""

    reading: Reading
    weights: Weights
    embed: EmbeddingCache
    category_of: CategoryOf
    doing: Array


def talks(data: Path, everyone: frozenset[str], left: frozenset[str], looking: Looking, seed: int) -> list[list[Talk]]:
    """The dialogues in which a service of `left` takes part, each among the routes of several policies."""
    draw = np.random.default_rng(seed)
    known = [d for d in rows(data / "sgd" / "train_1500.jsonl") if everyone >= set(d["services"])]
    heard = [_heard(d, looking) for d in known if left & set(d["services"])]
    found: list[list[Talk]] = [[] for _ in heard]
    for variant in _VARIANTS:
        made = _Policy(_routes(data, everyone, left, variant, draw), looking)
        for talk, options in zip(heard, found, strict=True):
            if draw.random() < _KEPT:
                options.append(made.talk(talk))
    return [options for options in found if options]


def alone(data: Path, everyone: frozenset[str], left: frozenset[str], looking: Looking) -> list[list[Talk]]:
    """Those in which no other service takes part, among the routes as they are mostly written."""
    known = [d for d in rows(data / "sgd" / "train_1500.jsonl") if everyone & left >= set(d["services"])]
    made = _Policy(_routes(data, everyone, left, 0, np.random.default_rng(1)), looking)
    return [[made.talk(_heard(d, looking))] for d in known]


class _Heard(NamedTuple):
    exchanges: tuple[Exchange, ...]
    intents: list[str | None]


def _heard(dialogue: dict[str, Any], looking: Looking) -> _Heard:
    turns, intents = [], []
    answer, before = "", frozenset[str]()
    for turn in dialogue["turns"]:
        if turn["s"] != "U":
            answer = turn["t"][-CONTEXT_CHARACTERS:].strip()
            continue
        intent, before = intent_of(turn, before)
        vector = looking.embed([turn["t"]])[0]
        assistant = looking.embed([answer])[0] if answer else None
        turns.append(Exchange(turn["t"], vector, looking.category_of(turn["t"], vector), answer, assistant))
        intents.append(intent)
        answer = ""
    return _Heard(tuple(turns), intents)


class _Policy:
    def __init__(self, routes: Sequence[tuple[str, RouteText]], looking: Looking) -> None:
        texts = tuple(route for _, route in routes)
        made = prototypes(texts, lambda t: looking.embed([t])[0], looking.reading, looking.category_of)
        w = looking.weights
        self._row = {name: row for row, (name, _) in enumerate(routes)}
        self._view, self._among = view(made, w.request_centre, w.assistant_centre), ways(made, looking.doing)
        self._observer, self._weights = observer(looking.reading, w), w

    def talk(self, heard: _Heard) -> Talk:
        w, seen = self._weights, self._observer.observe(heard.exchanges, self._view)
        users = np.array([turn.vector for turn in heard.exchanges]) - w.request_centre
        answers, answered = np.zeros_like(users), ~seen.opening
        for t in np.flatnonzero(answered):
            answers[t] = heard.exchanges[t].assistant - w.assistant_centre
        said = np.hstack([users, answers, answered[:, None]])
        fits = np.concatenate([seen.columns[:, :PLAIN], seen.columns[:, -ANSWERED:], self._logits(seen)], axis=1)
        route = np.array([-1 if name is None else self._row.get(name, -1) for name in heard.intents])
        return Talk(said.astype(np.float16), fits.astype(np.float16), route, self._among)

    def _logits(self, seen: Seen) -> Array:
        weights = self._weights.routes[:TURN_FEATURES]
        turns = zip(seen.columns, seen.opening, strict=True)
        return np.array([[route_features(columns, bool(opens), self._view) @ weights] for columns, opens in turns])


def _routes(
    data: Path, everyone: frozenset[str], left: frozenset[str], variant: int, draw: np.random.Generator
) -> list[tuple[str, RouteText]]:
    """Each intent once, in the words of a service that was left out where one has it."""
    found = []
    for name, said in wordings(data).items():
        known = [route for service, route in said if service in everyone]
        new = [route for service, route in said if service in everyone & left]
        chosen = new or known
        if chosen:
            found.append((name, _written(chosen[int(draw.integers(len(chosen)))], variant)))
    return found


def _written(route: RouteText, variant: int) -> RouteText:
    """As it is; without domain and action; by a short name, no action; without a description; without all but that."""
    short = label(route.action)
    return (
        route,
        RouteText(route.name, "", "", route.description),
        RouteText(short, route.domain, "", route.description),
        RouteText(route.name, route.domain, route.action),
        RouteText(short, "", "", route.description),
    )[variant]


def texts(data: Path) -> Iterator[RouteText]:
    """All routes of all services."""
    return (route for said in wordings(data).values() for _, route in said)
