"""The classes of each data set as what a policy's author could write of them, with utterances of each."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pointsman_classifier.routes import RouteText

from pointsman.core.request import Turn
from train.sources import dialogues, rows, seed_pairs, seed_prompts


class Intent(NamedTuple):
    """A class of some data set: what it could say of itself, and its utterances (with context where there is one)."""

    titles: list[RouteText]
    utterances: list[tuple[tuple[Turn, ...], str | None]]
    """Each with the name of the intent of the turn before, or None."""


Library = dict[str, Intent]


def libraries(data: Path) -> dict[str, Library]:
    """Each source's intents."""
    return {
        "assistant": _assistant(),
        "sgd": _sgd(data),
        "banking77": _plain(data / "banking77" / "train.jsonl", "text", "intent", RouteText),
        "sib200": _plain(data / "sib200" / "train_dev.jsonl", "text", "category", _described()),
        "xsid": _plain(data / "xsid" / "valid_no_zh.jsonl", "text", "intent", _described()),
        "metatool": _metatool(data),
    }


def _assistant() -> Library:
    said: dict[str, list[str]] = defaultdict(list)
    for category, text in seed_pairs("descriptions.txt"):
        said[category].append(text)
    long = {c: [t for t in texts if " " in t and t != "Everything else."] for c, texts in said.items()}
    short = {c: [t for t in texts if len(t) < 32] for c, texts in said.items()}
    prompts: dict[str, list[tuple[tuple[Turn, ...], str | None]]] = defaultdict(list)
    for seed in seed_prompts():
        prompts[seed.category].append(((Turn("user", seed.text),), None))
    library = {}
    for category, utterances in prompts.items():
        titles = [
            RouteText(category, short[category][i % len(short[category])], "", text)
            for i, text in enumerate(long[category])
        ]
        library[category] = Intent(titles, utterances)
    return library


def _sgd(data: Path) -> Library:
    """Intents of services of which no two do the same (Hotels_1 stands for all hotels)."""
    services = json.loads((data / "sgd" / "schema_train.json").read_text("utf-8"))
    said: dict[str, RouteText] = {}
    for service in services:
        family = service["service_name"].rpartition("_")[0]
        for intent in service["intents"]:
            title = RouteText(intent["name"], family, "", intent["description"])
            said.setdefault(f"{family}.{intent['name']}", title)
    utterances: dict[str, list[tuple[tuple[Turn, ...], str | None]]] = defaultdict(list)
    for n, dialogue in enumerate(dialogues(data)):
        for name, turns, before in _user_turns(dialogue):
            if n % 3 == 0 or len(turns) == 1:
                utterances[name].append((turns, before))
    return {name: Intent([said[name]], found) for name, found in utterances.items() if len(found) > 11}


def _user_turns(dialogue: list[dict[str, Any]]) -> Iterator[tuple[str, tuple[Turn, ...], str | None]]:
    """The user turns that have one intent, each with up to three turns before it."""
    turns: list[Turn] = []
    before = None
    for turn in dialogue:
        turns.append(Turn("user" if turn["s"] == "U" else "assistant", turn["t"]))
        frames = turn.get("f", ())
        if turn["s"] == "U" and len(frames) == 1 and frames[0]["intent"] != "NONE":
            name = f"{frames[0]['service'].rpartition('_')[0]}.{frames[0]['intent']}"
            yield name, tuple(turns[-4:]), before
            before = name


def _plain(file: Path, text: str, label: str, say: Callable[[str], RouteText]) -> Library:
    utterances: dict[str, list[tuple[tuple[Turn, ...], str | None]]] = defaultdict(list)
    for row in rows(file):
        utterances[row[label]].append(((Turn("user", row[text]),), None))
    return {name: Intent([say(name)], u) for name, u in utterances.items()}


def _described() -> Callable[[str], RouteText]:
    said = dict(seed_pairs("topics.txt"))
    return lambda name: RouteText(name, "", "", said[name])


def _metatool(data: Path) -> Library:
    said = json.loads((data / "metatool" / "plugin_des.json").read_text("utf-8"))
    file = data / "metatool" / "single_tool_dev.jsonl"
    return _plain(file, "query", "tool", lambda name: RouteText(name, "", "", said[name]))
