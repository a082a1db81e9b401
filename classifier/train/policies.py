"""Policies of many kinds made from the data, with utterances and the route that each belongs to.

The scorer is fitted on these: some routes have examples and some only a description, some utterances belong to a
route that was left out. Everything is drawn by a seeded generator.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from pointsman_classifier.routes import RouteText

from train.libraries import Library, Spoken


class Case(NamedTuple):
    """One utterance: its route (None: none fits) and, sometimes, the route of the turn before."""

    spoken: Spoken
    route: str | None
    previous: str | None = None


class Policy(NamedTuple):
    """Some routes, and cases for them."""

    source: str
    routes: tuple[RouteText, ...]
    cases: list[Case]


Draw = np.random.Generator

_LARGEST = 150


def policies(
    source: str, library: Library, count: int, cases: int, draw: Draw, foreign: Sequence[Spoken] = ()
) -> Iterator[Policy]:
    """`count` random policies with some of the intents, and `cases` utterances for each."""
    names = sorted(library)
    largest = min(len(names), _LARGEST)
    for _ in range(count):
        size = int(np.exp(draw.uniform(np.log(2), np.log(largest + 0.99))))
        chosen = [str(n) for n in draw.choice(names, size, replace=False)]
        most = int(draw.choice([0, 0, 0, 1, 3, 5, 10, 16]))
        yield make_policy(source, library, chosen, most, cases, draw, foreign=foreign)


def make_policy(
    source: str,
    library: Library,
    chosen: list[str],
    most: int,
    cases: int,
    draw: Draw,
    unknown: float = 0.15,
    exact: bool = False,
    foreign: Sequence[Spoken] = (),
) -> Policy:
    """A policy of the chosen intents, with up to `most` examples each (`exact`: just as many).

    The share `unknown` of the cases belongs to no route: they are of the library's other intents or, as often,
    `foreign`.
    """
    used: set[str] = set()
    routes = []
    all_alike = exact or draw.random() < 0.5
    for name in chosen:
        intent = library[name]
        k = 0 if most == 0 or draw.random() < 0.15 else int(draw.integers(1, most + 1))
        k = most if all_alike else k
        asking = [spoken.text for spoken in intent.utterances if spoken.asks]
        picks = [asking[i] for i in draw.permutation(len(asking))[: min(k, len(asking) // 2)]]
        used.update(picks)
        title = intent.titles[int(draw.integers(len(intent.titles)))]
        routes.append(RouteText(name, title.domain, title.action, title.description, tuple(picks)))
    outside = [name for name in library if name not in chosen] if "other" not in chosen else []
    found: list[Case] = []
    while len(found) < cases:
        stranger = bool(outside) and draw.random() < unknown
        if stranger and foreign and draw.random() < 0.5:
            found.append(Case(foreign[int(draw.integers(len(foreign)))], None))
            continue
        name = str(draw.choice(outside if stranger else chosen))
        utterances = library[name].utterances
        spoken = utterances[int(draw.integers(len(utterances)))]
        if spoken.text not in used:
            found.append(Case(spoken, None if stranger else name, _remembered(spoken.before, chosen, draw)))
    return Policy(source, _shown(tuple(routes), draw), found)


def _shown(routes: tuple[RouteText, ...], draw: Draw) -> tuple[RouteText, ...]:
    """Routes as authors write them: not all give a domain or an action, and some names say nothing."""
    keep_domain, keep_action = draw.random() < 0.6, draw.random() < 0.6
    return tuple(
        RouteText(r.name, r.domain if keep_domain else "", r.action if keep_action else "", r.description, r.examples)
        for r in routes
    )


def _remembered(before: str | None, chosen: list[str], draw: Draw) -> str | None:
    """The route of the turn before as a router would believe it: sometimes unknown, sometimes wrong."""
    chance = draw.random()
    if before is None or chance < 0.15:
        return None
    if chance < 0.27:
        return str(draw.choice(chosen))
    return before if before in chosen else None
