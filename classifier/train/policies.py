"""Policies of many kinds made from the data, with utterances and the route that each belongs to.

The scorer is fitted on these: some routes have examples and some only a description, some utterances belong to a
route that was left out, or to nothing that a policy is about. Everything is drawn by a seeded generator.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from pointsman_classifier.routes import RouteText

from train.intents import Intent, Library, Spoken


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


class Strangers(NamedTuple):
    """Requests that no route fits, as shares of the cases."""

    near: float
    """Of intents that were left out."""
    far: float = 0.0
    """Of `texts`, which have nothing to do with the policy."""
    texts: Sequence[Spoken] = ()


Draw = np.random.Generator

_LARGEST, _LARGE = 150, 50


def policies(
    source: str, library: Library, count: int, cases: int, draw: Draw, strangers: Strangers, large: bool = False
) -> Iterator[Policy]:
    """`count` random policies with some of the intents, and `cases` utterances for each; `large` ones have examples.

    Where a library has translations, the examples of every second one are English.
    """
    names = sorted(library)
    smallest, largest = _LARGE if large else 2, min(len(names), _LARGEST)
    languages = {spoken.language for intent in library.values() for spoken in intent.utterances}
    for number in range(count):
        size = int(np.exp(draw.uniform(np.log(smallest), np.log(largest + 0.99))))
        chosen = [str(n) for n in draw.choice(names, min(size, len(names) - 2) if large else size, replace=False)]
        most = int(draw.choice([3, 5, 10, 10, 16] if large else [0, 0, 0, 1, 3, 5, 10, 16]))
        written = "en" if len(languages) > 1 and number % 2 else ""
        yield make_policy(source, library, chosen, most, cases, draw, strangers, language=written)


def make_policy(
    source: str,
    library: Library,
    chosen: list[str],
    most: int,
    cases: int,
    draw: Draw,
    strangers: Strangers,
    exact: bool = False,
    language: str = "",
) -> Policy:
    """A policy of the chosen intents, with up to `most` examples each (`exact`: just as many), in any language or one.

    No utterance is a translation of an example: no user's request is.
    """
    used: set[str] = set()
    routes = []
    all_alike = exact or draw.random() < 0.5
    for name in chosen:
        intent = library[name]
        k = 0 if most == 0 or draw.random() < 0.15 else int(draw.integers(1, most + 1))
        picks = _picked(intent, most if all_alike else k, language, used, draw)
        title = intent.titles[int(draw.integers(len(intent.titles)))]
        routes.append(RouteText(name, title.domain, title.action, title.description, picks))
    outside = [name for name in library if name not in chosen] if "other" not in chosen else []
    fitting = {name: _unused(library[name], used) for name in (*chosen, *outside)}
    chosen_asked, outside = ([n for n in names if fitting[n]] for names in (chosen, outside))
    found: list[Case] = []
    while len(found) < cases:
        chance = draw.random() - strangers.far
        if chance < 0 and strangers.texts:
            found.append(Case(strangers.texts[int(draw.integers(len(strangers.texts)))], None))
            continue
        stranger = bool(outside) and chance < strangers.near
        name = str(draw.choice(outside if stranger else chosen_asked))
        spoken = fitting[name][int(draw.integers(len(fitting[name])))]
        found.append(Case(spoken, None if stranger else name, _remembered(spoken.before, chosen, draw)))
    return Policy(source, _shown(tuple(routes), draw), found)


def _picked(intent: Intent, most: int, language: str, used: set[str], draw: Draw) -> tuple[str, ...]:
    """Examples of a route, at most half of what is said of it; what may be no case is added to `used`."""
    asking = [s for s in intent.utterances if s.asks and (not language or s.language == language)]
    most = min(most, len({s.sentence or s.text for s in asking}) // 2)
    picks: list[str] = []
    for i in draw.permutation(len(asking)):
        if len(picks) == most:
            break
        spoken = asking[i]
        if spoken.text not in used and spoken.sentence not in used:
            picks.append(spoken.text)
            used.update([spoken.text, spoken.sentence] if spoken.sentence else [spoken.text])
    return tuple(picks)


def _unused(intent: Intent, used: set[str]) -> list[Spoken]:
    return [s for s in intent.utterances if s.text not in used and s.sentence not in used]


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
