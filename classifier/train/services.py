"""sgd's services: their intents as routes that a policy's author could write, with user turns of each."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pointsman_classifier.routes import RouteText

from train.intents import Intent, Library, Spoken
from train.sources import Said, dialogues


def family(service: str) -> str:
    """What several services have in common: Hotels_1 and Hotels_3 are of Hotels."""
    return service.rpartition("_")[0]


def services(data: Path) -> dict[str, dict[str, Any]]:
    """sgd's services by name."""
    found = json.loads((data / "sgd" / "schema_train.json").read_text("utf-8"))
    return {service["service_name"]: service for service in found}


def sgd(data: Path, seen: frozenset[str], fresh: bool = False) -> Library:
    """Intents of families of services; each service's wording is a title.

    Of the dialogues in which only the services `seen` take part; or, with `fresh`, of all others, in the wordings of
    other services where a family has any.
    """
    said: dict[str, list[RouteText]] = defaultdict(list)
    new: dict[str, list[RouteText]] = defaultdict(list)
    for name, service in services(data).items():
        for intent in service["intents"]:
            key = f"{family(name)}.{intent['name']}"
            title = RouteText(intent["name"], family(name).lower(), _words(intent["name"]), intent["description"])
            if name in seen or fresh:
                said[key].append(title)
            if name not in seen:
                new[key].append(title)
    utterances: dict[str, list[Spoken]] = defaultdict(list)
    for dialogue in dialogues(data):
        if fresh != all(frame["service"] in seen for turn in dialogue for frame in turn.get("f", ())):
            for name, spoken in _user_turns(dialogue):
                utterances[name].append(spoken)
    titles = {name: (new.get(name) or given) if fresh else given for name, given in said.items()}
    return {name: Intent(given, utterances[name]) for name, given in titles.items() if len(utterances[name]) > 11}


def _words(name: str) -> str:
    """FindBus as "find bus"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


_ASKS = {"INFORM_INTENT", "INFORM", "REQUEST", "REQUEST_ALTS"}


def _user_turns(dialogue: list[Said]) -> Iterable[tuple[str, Spoken]]:
    """The user turns that have one intent."""
    assistant, before = "", None
    for turn in dialogue:
        if turn["s"] != "U":
            assistant = turn["t"]
            continue
        frames = turn["f"]
        if len(frames) == 1 and frames[0]["intent"] != "NONE":
            name = f"{family(frames[0]['service'])}.{frames[0]['intent']}"
            yield name, Spoken(turn["t"], assistant, before, asks=bool(_ASKS & set(frames[0]["acts"])))
            before = name
