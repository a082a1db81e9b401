"""Conversations with services, by description only: of all kinds of services, and of a third of them at a time."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pointsman_classifier.routes import RouteText

from train.cases.files import Case, Message, Route, RouteSet, label
from train.sources import rows

FOLDS = (
    ("Restaurants", "Flights", "Homes", "Media", "Banks"),
    ("Events", "Hotels", "Music", "RentalCars", "Services", "Weather"),
    ("Movies", "Buses", "Calendar", "RideSharing", "Travel"),
)
"""Families of services; each fold holds a third of the intents, and neither fold knows a family of another."""

_KINDS = {"Hotels_2": "Houses", "Services_1": "HairStylist", "Services_2": "Dentist", "Services_3": "Doctor"}
"""Services that do something else than others of their family."""

_MOST = 2_200
"""User turns of a set."""


def sets(data: Path) -> list[RouteSet]:
    """One set of everything, and one per fold."""
    dialogues = rows(data / "sgd" / "train_1500.jsonl")
    routes = _routes(data)
    everything = tuple(family for fold in FOLDS for family in fold)
    named = [("sgd", everything), *((f"sgd-{'abc'[i]}", fold) for i, fold in enumerate(FOLDS))]
    made = []
    for name, families in named:
        kept = tuple(route for route, family in routes if family in families)
        cases = _some([found for each in dialogues if (found := _cases(each, families))])
        title = f"dialogues, {len(kept)} routes by description, multi-turn"
        made.append(RouteSet(name, title, tuple(f"sgd/{family}" for family in families), kept, cases))
    return made


def _some(conversations: list[list[Case]]) -> list[Case]:
    """Whole conversations, evenly spaced (the file is ordered by topic), up to _MOST turns."""
    step = max(1.0, sum(map(len, conversations)) / _MOST)
    chosen = [conversations[int(i * step)] for i in range(int(len(conversations) / step))]
    return [case for conversation in chosen for case in conversation]


def _routes(data: Path) -> list[tuple[Route, str]]:
    """Each intent of each kind of service once (the first service of a kind describes it), and its family."""
    first = [said[0] for said in wordings(data).values()]
    return [(Route(r.name, r.domain, r.action, r.description), s.rpartition("_")[0]) for s, r in first]


def wordings(data: Path) -> dict[str, list[tuple[str, RouteText]]]:
    """Of each intent of each kind of service, by its name as a route: the services that have it, with their words."""
    services = json.loads((data / "sgd" / "schema_train.json").read_text("utf-8"))
    found: dict[str, list[tuple[str, RouteText]]] = {}
    for service in services:
        domain = label(_kind(service["service_name"])).replace("-", " ")
        for intent in service["intents"]:
            name = _name(service["service_name"], intent["name"])
            action = label(intent["name"]).replace("-", " ")
            route = RouteText(name, domain, action, intent["description"] + ".")
            found.setdefault(name, []).append((service["service_name"], route))
    return found


def _kind(service: str) -> str:
    return _KINDS.get(service, service.rpartition("_")[0])


def _name(service: str, intent: str) -> str:
    return label(f"{_kind(service)}-{intent}")


def _cases(dialogue: dict[str, Any], families: tuple[str, ...]) -> list[Case]:
    """The user turns of a conversation whose services are all of these families; else none.

    Where a turn speaks of two intents, it belongs to the one that the turn before did not have; turns without an
    intent (thanks, farewells) are left out, though later turns have them in their history.
    """
    if any(service.rpartition("_")[0] not in families for service in dialogue["services"]):
        return []
    return list(_labelled(dialogue))


def _labelled(dialogue: dict[str, Any]) -> Iterator[Case]:
    messages: list[Message] = []
    before = frozenset[str]()
    count = 0
    for turn in dialogue["turns"]:
        messages.append({"role": "user" if turn["s"] == "U" else "assistant", "content": turn["t"]})
        if turn["s"] != "U":
            continue
        intent, before = intent_of(turn, before)
        if intent is not None:
            count += 1
            yield Case(tuple(messages), intent, "en", dialogue["dialogue_id"], count)


def intent_of(turn: dict[str, Any], before: frozenset[str]) -> tuple[str | None, frozenset[str]]:
    """The route of a user turn, None without one or with several that are new; and all routes that it speaks of.

    `before` are those that the user turn before spoke of.
    """
    intents = {_name(frame["service"], frame["intent"]) for frame in turn["f"] if frame["intent"] != "NONE"}
    fresh = intents - before or intents
    return next(iter(fresh)) if len(fresh) == 1 else None, frozenset(intents)
