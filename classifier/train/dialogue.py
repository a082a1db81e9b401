"""The fit of the filter over conversations (`pointsman_classifier.dialogue`): what it believes after each turn is made
likely for the turn's route, through whole dialogues. Plain numpy and Adam, half a minute."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pointsman_classifier.dialogue import FITS, Dialogue, going, opening, step
from pointsman_classifier.heads import softmax
from pointsman_classifier.observing import ANSWERED, PLAIN
from pointsman_classifier.routes import RouteText, full_text, title_text

from train.backpropagation import Learning, Turns, adam, backward, forward
from train.embeddings import EmbeddingCache
from train.sources import seed_pairs
from train.talks import Talk

Array = npt.NDArray[Any]

_HIDDEN = 64
_EPOCHS, _BATCH = 6, 24
_UNITS = 3.0
"""The embeddings' scale while learning."""
_SCALE = np.array([5, 5, 5, 5, 5, 1, 3, 3, 5, 5, 3, 3, 1], np.float32)
"""That of what says how well a route fits."""
_NOISE, _DROPPED = 0.13, 0.5
_CUT = 0.4
"""Share of the dialogues whose beginning is left out, as of long conversations."""
_FEWEST = 10
_ERRORS = 0.01
"""Share of the dialogues' labels that may be wrong."""


def doing(embed: EmbeddingCache, routes: Iterable[RouteText]) -> Array:
    """`Dialogue.doing`: from finding out to doing, with a mean of 0 and a deviation of 1 over many routes."""
    said = seed_pairs("acts.txt")
    ends = [embed([text for kind, text in said if kind == which]).mean(axis=0) for which in ("do", "find")]
    described = list(routes)
    titles, words = ([f(route) for route in described] for f in (title_text, lambda r: r.description or full_text(r)))
    does = (embed(titles) + embed(words)) / 2 @ (ends[0] - ends[1])
    return np.append((ends[0] - ends[1]) / does.std(), -does.mean() / does.std()).astype(np.float32)


def fit(talks: list[list[Talk]], direction: Array, centres: tuple[Array, Array], seed: int) -> Dialogue:
    """The filter; each of `talks` is one dialogue among the routes of some policies. `direction` is `doing`, `centres`
    are those of users' and of assistants' turns."""
    draw = np.random.default_rng(seed)
    w = _start(draw)
    moments: Sequence[Learning] = (Learning(*map(np.zeros_like, w)), Learning(*map(np.zeros_like, w)))
    steps = _EPOCHS * (len(talks) // _BATCH)
    for number in range(steps):
        if number % (len(talks) // _BATCH) == 0:
            order = draw.permutation(len(talks))
        batch = order[number % (len(talks) // _BATCH) * _BATCH :][:_BATCH]
        total, counted = Learning(*map(np.zeros_like, w)), 0
        for i in batch:
            talk = talks[i][int(draw.integers(len(talks[i])))]
            turns, route = _turns(talk, draw)
            belief, kept = forward(w, turns)
            there = np.flatnonzero(route >= 0)
            toward = np.zeros_like(belief)
            likely = (1 - _ERRORS) * belief[there, route[there]] + _ERRORS / belief.shape[1]
            toward[there, route[there]] = -(1 - _ERRORS) / likely
            counted += len(there)
            total = Learning(*map(np.add, total, backward(w, turns, kept, belief, toward)))
        done = (number + 1) / steps
        pace = done / 0.1 if done < 0.1 else 0.5 + 0.5 * np.cos(np.pi * (done - 0.1) / 0.9)
        w, *moments = adam(w, total, counted, moments, number + 1, pace)
    return _shipped(w, direction, centres)


def accuracy(weights: Dialogue, talks: list[list[Talk]], centres: tuple[Array, Array], earlier: int) -> float:
    """Share of right answers, each turn after at most `earlier` others, asked of the filter as it is served."""
    right = []
    for talk in (talk for options in talks for talk in options):
        users = talk.said[:, :512].astype(np.float32) + centres[0]
        answers = (talk.said[:, 512:1024].astype(np.float32) + centres[1]) * talk.said[:, 1024:]
        fits = talk.fits.astype(np.float32)
        for t in np.flatnonzero(talk.route >= 0):
            span = slice(max(0, t - earlier), t + 1)
            seen = going(weights, talk.among, users[span], answers[span], fits[span, :-1], fits[span, -1])
            belief = opening(seen, softmax(fits[span.start, -1]), talk.among.share)
            for later in range(1, t + 1 - span.start):
                belief = step(weights, talk.among, seen, later, belief)
            right.append(belief.argmax() == talk.route[t])
    return float(np.mean(right))


def _start(draw: np.random.Generator) -> Learning:
    hidden = draw.normal(0, 1 / 32, (1026, _HIDDEN)).astype(np.float32)
    gates, fits = np.zeros((_HIDDEN + 1, 8), np.float32), np.zeros((5, FITS), np.float32)
    gates[:-1, 3:] = draw.normal(0, 0.1, (_HIDDEN, 5))
    gates[-1, 0] = 3
    fits[:, -1] = 1
    return Learning(hidden, gates, fits, np.full(3, 0.5, np.float32))


def _turns(talk: Talk, draw: np.random.Generator) -> tuple[Turns, npt.NDArray[np.int64]]:
    """A dialogue, sometimes from its middle on, among some of the routes; with the turns' routes."""
    length, n = len(talk.route), len(talk.among.doing)
    start = int(draw.integers(length - 1)) if length > 1 and draw.random() < _CUT else 0
    needed = np.unique(talk.route[talk.route >= 0])
    others = draw.permutation(np.setdiff1d(np.arange(n), needed))
    rows = np.sort(np.concatenate([needed, others[: max(0, int(draw.integers(_FEWEST, n + 1)) - len(needed))]]))
    fits = talk.fits[start:][:, :, rows].astype(np.float32) * _SCALE[:, None]
    fits = np.ascontiguousarray((fits - fits.mean(axis=2, keepdims=True)).transpose(0, 2, 1))
    said = np.hstack([_UNITS * talk.said[start:].astype(np.float32), np.ones((length - start, 1), np.float32)])
    answered = (said[:, 1024:1025] > 0).astype(np.float32)
    said[:, 1024:1025] = answered
    said[:, :512] += draw.normal(0, _NOISE, (len(said), 512))
    said[:, 512:1024] += draw.normal(0, _NOISE, (len(said), 512)) * answered
    said[:, :1024] *= (draw.random((len(said), 1024)) > _DROPPED) / (1 - _DROPPED)
    kept = ((draw.random((len(said), _HIDDEN)) > _DROPPED) / (1 - _DROPPED)).astype(np.float32)
    place = np.full(n + 1, -1)
    place[rows] = np.arange(len(rows))
    among = talk.among.among(rows)
    return Turns(said, fits, among.doing, among.siblings, kept), place[talk.route[start:]]


def _shipped(w: Learning, direction: Array, centres: tuple[Array, Array]) -> Dialogue:
    """The weights for embeddings as they come."""
    hidden = w.hidden.copy()
    hidden[:1024] *= _UNITS
    hidden[1024] -= centres[1] @ hidden[512:1024]
    hidden[1025] -= centres[0] @ hidden[:512]
    assert _SCALE.shape == (PLAIN + ANSWERED + 1,)
    return Dialogue(hidden, w.gates, w.fits * _SCALE, w.evidence, direction)
