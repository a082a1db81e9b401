"""Routes as arrays: what a policy says of each route in words, embedded once when its snapshot arrives."""

import re
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from pointsman_classifier import lexical
from pointsman_classifier.heads import softmax
from pointsman_classifier.learnt import Learnt, learn
from pointsman_classifier.towers import Towers
from pointsman_classifier.vectors import unit, with_one

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_ROUTES_SEEN = 4.0
"""Weight of the mean of all descriptions, in routes, beside the policy's own when centring."""

Array = npt.NDArray[np.float32]

Embed = Callable[[str], Array]
"""Gives a text's embedding: 512 floats, unit length."""

CategoryOf = Callable[[str, Array], Array]
"""Gives a request's category probabilities from its text and embedding."""


class RouteText(msgspec.Struct, frozen=True):
    """What a policy's author says of one route, in any of the encoder's languages."""

    name: str
    domain: str = ""
    action: str = ""
    description: str = ""
    examples: tuple[str, ...] = ()


class Prototypes(NamedTuple):
    """The routes of one policy, in its order. n routes, e examples of all routes together."""

    names: tuple[str, ...]
    domains: tuple[str, ...]
    full: Array
    """Everything the author says but the examples, embedded: shape (n, 512)."""
    description: Array
    """The description alone, else the same as `full`: shape (n, 512)."""
    title: Array
    """Name, action and domain: shape (n, 512)."""
    examples: Array
    """Shape (e, 512), ordered by route."""
    slots: npt.NDArray[np.int64]
    """Rows of `examples` of each route, filled up with e: shape (n, most examples of a route)."""
    example_counts: npt.NDArray[np.int64]
    """Examples of each route, shape (n,)."""
    centred: Array
    """`full` less what all descriptions share, unit length: shape (n, 512)."""
    centroids: Array
    """Per route, the mean direction of its examples and texts around `middle`: shape (n, 512)."""
    middle: Array
    """Mean of all texts and examples, shape (512,)."""
    learnt: Learnt | None
    """What the examples teach; None without any."""
    shared: Array
    """The routes' texts in the space that the towers share with utterances: shape (n, 512)."""
    familiarity: Array
    """How much each route resembles those of the towers' training, 0 to 1: shape (n,)."""
    near: Array
    """Likeness of the routes to each other, shape (n, n), its diagonal 0."""
    siblings: npt.NDArray[np.bool_]
    """Which routes are of one domain, shape (n, n), its diagonal False."""
    categories: Array
    """What each route is about, as probabilities: shape (n, 16)."""
    words: lexical.LexicalIndex


class Reading(NamedTuple):
    """What was learnt of descriptions in general."""

    describe: Array
    """Maps a description's embedding, with a 1 appended, to category logits: shape (513, 16)."""
    centre: Array
    """Mean embedding of many descriptions, shape (512,)."""
    towers: Towers


def prototypes(routes: tuple[RouteText, ...], embed: Embed, reading: Reading, category_of: CategoryOf) -> Prototypes:
    """Make the arrays of some routes."""
    full = _rows([embed(full_text(route)) for route in routes])
    title = _rows([embed(title_text(route)) for route in routes])
    description = _rows([embed(route.description or full_text(route)) for route in routes])
    example_texts = [example for route in routes for example in route.examples]
    examples = _rows([embed(text) for text in example_texts])
    counts = np.array([len(route.examples) for route in routes], np.int64)
    said_by, shown_by = np.arange(len(routes)), np.repeat(np.arange(len(routes)), counts)
    owners = np.concatenate([said_by, said_by, said_by, shown_by])
    texts = np.vstack([full, description, title, examples])
    middle = texts.mean(axis=0)
    centred = unit(full - (full.sum(axis=0) + _ROUTES_SEEN * reading.centre) / (len(full) + _ROUTES_SEEN))
    said = softmax(with_one(full) @ reading.describe)
    shown = _rows([category_of(t, v) for t, v in zip(example_texts, examples, strict=True)], width=said.shape[1])
    return Prototypes(
        names=tuple(route.name for route in routes),
        domains=tuple(route.domain for route in routes),
        full=full,
        description=description,
        title=title,
        examples=examples,
        slots=_slots(counts),
        example_counts=counts,
        centred=centred,
        centroids=unit(_sums(unit(texts - middle), owners, len(routes))),
        middle=middle,
        learnt=_learn(routes, full, title, examples, shown_by) if len(examples) else None,
        shared=reading.towers.of_descriptions(full) + reading.towers.of_descriptions(description),
        familiarity=reading.towers.familiarity(full, description, title),
        near=(centred @ centred.T) * (1 - np.eye(len(routes), dtype=np.float32)),
        siblings=_siblings(routes),
        categories=_blend(said, shown, counts),
        words=lexical.index([" ".join((full_text(route), *route.examples)) for route in routes]),
    )


def _learn(
    routes: tuple[RouteText, ...], full: Array, title: Array, examples: Array, shown_by: npt.NDArray[np.int64]
) -> Learnt:
    """The examples of each route, its whole text and, where that says more, its title teach what it is."""
    described = np.flatnonzero([bool(route.description) for route in routes])
    texts = [*map(full_text, routes), *(title_text(routes[i]) for i in described)]
    texts += [text for route in routes for text in route.examples]
    owners = np.concatenate([np.arange(len(routes)), described, shown_by])
    return learn(texts, np.vstack([full, title[described], examples]), owners, len(routes), len(examples))


def _siblings(routes: tuple[RouteText, ...]) -> npt.NDArray[np.bool_]:
    domains = np.array([route.domain for route in routes])
    same: npt.NDArray[np.bool_] = (domains[:, None] == domains) & (domains != "")
    np.fill_diagonal(same, False)
    return same


def _slots(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    place = np.arange(int(counts.max(initial=0)))
    starts = np.cumsum(counts) - counts
    return np.where(place < counts[:, None], starts[:, None] + place, counts.sum())


def _sums(vectors: Array, owners: npt.NDArray[np.int64], n: int) -> Array:
    sums = np.zeros((n, vectors.shape[1]), np.float32)
    np.add.at(sums, owners, vectors)
    return sums


def title_text(route: RouteText) -> str:
    """Name, action and domain as words: "code: write, fix or explain code (programming)"."""
    name = _words(route.name)
    text = f"{name}: {route.action}" if route.action else name
    return f"{text} ({route.domain})" if route.domain and route.domain != name else text


def _words(name: str) -> str:
    """A name as words: "findEvents", "find-events" and "find_events" are "find Events" or "find events"."""
    return _CAMEL.sub(" ", name).replace("-", " ").replace("_", " ")


def full_text(route: RouteText) -> str:
    """The title, and the description when there is one."""
    return f"{title_text(route)}. {route.description}" if route.description else title_text(route)


def _blend(said: Array, shown: Array, counts: npt.NDArray[np.int64]) -> Array:
    """Category probabilities of routes: the description's, averaged with the examples' mean where there are any."""
    blended = said.copy()
    ends = np.cumsum(counts)
    for i in np.flatnonzero(counts):
        blended[i] = (said[i] + shown[ends[i] - counts[i] : ends[i]].mean(axis=0)) / 2
    return blended


def _rows(vectors: list[Array], width: int = 512) -> Array:
    return np.array(vectors, np.float32).reshape(len(vectors), width)
