"""The towers' training: utterances and descriptions of one route are brought together, those of others apart.

A batch holds utterances of some routes of one source and one wording of each route's description, with noise added so
that a wording is not learnt by heart; each utterance has to find its own description (and, as users', the mean of a few
other utterances of its route). Plain numpy and Adam, half a minute to a minute each.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pointsman_classifier.routes import RouteText, full_text, title_text
from pointsman_classifier.towers import Towers

from train.embeddings import EmbeddingCache
from train.intents import Intent, Library
from train.learning_tower import LearningTower
from train.sources import seed_pairs

Array = npt.NDArray[Any]

_STEPS = 700
_RATE = 2e-3
_SHARPNESS = 16.0
_NOISE = 1.0
"""Length of the noise added to a description's embedding, whose length is 1."""
_OTHERS = 0.3
"""Weight of finding other utterances of the same route."""
_BATCH, _ROUTES = 256, 64

SHARES = {"sgd": 4.0, "sgd assistant": 2.0, "metatool": 2.0, "banking77": 1.0, "xsid": 1.0, "sib200": 1.5}


class Course(NamedTuple):
    """One source to learn from."""

    vectors: Array
    """Utterances, shape (n, 512)."""
    rows: list[Array]
    """Of each route, the rows of its utterances."""
    wordings: list[Array]
    """Of each route, embeddings of its texts: shape (wordings, 512)."""


def courses(libraries: dict[str, Library], embed: EmbeddingCache) -> dict[str, Course]:
    """What the towers may see of some libraries."""
    found = {}
    for source, library in libraries.items():
        written = {name: embed(wordings(name, intent)) for name, intent in library.items()}
        asked = {name: [s.text for s in i.utterances if s.shown and s.asks] for name, i in library.items()}
        found[source] = _course(asked, written, embed)
        if source == "sgd":
            said = {name: [s.assistant for s in i.utterances if s.assistant] for name, i in library.items()}
            found["sgd assistant"] = _course(said, written, embed)
    return found


def wordings(name: str, intent: Intent) -> list[str]:
    """The ways in which an author may write the route of an intent; of a topic, those of `topics_more.txt`."""
    return sorted({text for title in _more().get(name, intent.titles) for text in _texts(title)})


@cache
def _more() -> dict[str, list[RouteText]]:
    found: dict[str, list[RouteText]] = {}
    for name, text in seed_pairs("topics_more.txt"):
        found.setdefault(name, []).append(RouteText(name, "", "", text))
    return found


def _texts(title: RouteText) -> set[str]:
    """The ways in which an author may write a route."""
    bare = RouteText(title.name, "", "", title.description)
    return {full_text(title), full_text(bare), title_text(title), title.description or title_text(bare)}


def _course(said: dict[str, list[str]], wordings: dict[str, Array], embed: EmbeddingCache) -> Course:
    names = sorted(name for name, texts in said.items() if len(texts) > 1)
    ends = np.cumsum([len(said[name]) for name in names])
    spans = [np.arange(end - len(said[name]), end) for name, end in zip(names, ends, strict=True)]
    return Course(embed([t for name in names for t in said[name]]), spans, [wordings[name] for name in names])


def fit(taught: dict[str, Course], seed: int) -> Towers:
    """Towers fitted on some courses."""
    draw = np.random.default_rng(seed)
    centre = np.mean([course.vectors.mean(axis=0) for course in taught.values()], axis=0).astype(np.float32)
    towers = {who: LearningTower(draw) for who in ("user", "assistant", "description")}
    names = sorted(taught)
    share = np.array([SHARES[name] for name in names])
    for step in range(_STEPS):
        name = names[int(draw.choice(len(names), p=share / share.sum()))]
        rate = _RATE * min(1.0, (step + 1) / 50) * (1 - step / _STEPS)
        speaker = "assistant" if name == "sgd assistant" else "user"
        _learn(taught[name], towers[speaker], towers["description"], speaker == "user", centre, rate, draw)
    known = np.unique(np.vstack([w for course in taught.values() for w in course.wordings]), axis=0)
    return Towers(*(towers[who].tower for who in ("user", "assistant", "description")), centre, known)


def _learn(
    course: Course,
    speaker: LearningTower,
    description: LearningTower,
    others: bool,
    centre: Array,
    rate: float,
    draw: np.random.Generator,
) -> None:
    """One step on one batch."""
    k = min(len(course.rows), max(2, int(len(course.rows) * draw.uniform(0.5, 1))), _ROUTES)
    chosen = draw.choice(len(course.rows), k, replace=False)
    each = max(1, _BATCH // k)
    said = np.concatenate([draw.choice(course.rows[c], each) for c in chosen])
    target = np.repeat(np.arange(k), each)
    wording = np.stack([course.wordings[c][draw.integers(len(course.wordings[c]))] for c in chosen]) - centre
    wording = wording + draw.normal(0, _NOISE / np.sqrt(wording.shape[1]), wording.shape).astype(np.float32)
    a, a_back = speaker.forward(course.vectors[said] - centre)
    b, b_back = description.forward(wording)
    error = _error(a @ b.T, target)
    toward = error @ b
    if others:
        m = int(draw.integers(1, 5))
        picked = np.stack([draw.choice(course.rows[c], m) for c in chosen])
        c, c_back = speaker.forward(course.vectors[picked.ravel()] - centre)
        means = c.reshape(k, m, -1).mean(axis=1)
        second = _OTHERS * _error(a @ means.T, target)
        second[(said[:, None] == picked[target]).any(axis=1)] = 0
        toward = toward + second @ means
        extra = speaker.backward(c_back, np.repeat(second.T @ a / m, m, axis=0))
    gradient = speaker.backward(a_back, toward)
    if others:
        gradient = {key: value + extra[key] for key, value in gradient.items()}
    speaker.step(gradient, rate)
    description.step(description.backward(b_back, error.T @ a), rate)


def _error(cosines: Array, target: Array) -> Array:
    """Gradient of the mean cross-entropy of sharpened cosines with respect to the cosines."""
    logits = _SHARPNESS * cosines
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    odds[np.arange(len(target)), target] -= 1
    error: Array = odds * (_SHARPNESS / len(target))
    return error
