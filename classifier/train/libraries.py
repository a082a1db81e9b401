"""The classes of each data set as what a policy's author could write of them, with utterances of each."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from pointsman_classifier.routes import RouteText

from train.sources import Said, dialogues, rows, seed_pairs, seed_prompts


class Spoken(NamedTuple):
    """One user turn."""

    text: str
    assistant: str = ""
    """The assistant's turn before it, if there was one."""
    before: str | None = None
    """The intent of the user turn before it, if that had one."""
    shown: bool = True
    """Whether the towers may learn from it."""
    asks: bool = True
    """Whether it says what it wants, so that it can be an example."""
    language: str = "en"
    sentence: str = ""
    """What it is a translation of, where there are others: they are never example and case of one policy."""


class Intent(NamedTuple):
    """A class of some data set: what it could say of itself, and its utterances."""

    titles: list[RouteText]
    utterances: list[Spoken]


Library = dict[str, Intent]


def libraries(data: Path) -> dict[str, Library]:
    """Each source's intents."""
    return {
        "assistant": _assistant(),
        "sgd": sgd(data, frozenset(services(data))),
        "banking77": _banking(data),
        "sib200": topics(data),
        "xsid": _commands(data),
        "metatool": _metatool(data),
        "nlupp": _single(data),
    }


def everyday(data: Path) -> list[str]:
    """What people ask an assistant of all kinds of things: no policy of narrow routes has one for them."""
    found = []
    for name in ("vllm_sr", "llmrouter", "writingbench"):
        asked = [row.get("prompt") or row.get("text") for p in sorted((data / name).glob("*.jsonl")) for row in rows(p)]
        found += [text for text in asked if isinstance(text, str)][::2]
    return found


def _assistant() -> Library:
    said: dict[str, list[str]] = defaultdict(list)
    for category, text in seed_pairs("descriptions.txt"):
        said[category].append(text)
    long = {c: [t for t in texts if " " in t and t != "Everything else."] for c, texts in said.items()}
    short = {c: [t for t in texts if len(t) < 32] for c, texts in said.items()}
    prompts: dict[str, list[Spoken]] = defaultdict(list)
    for seed in seed_prompts():
        prompts[seed.category].append(Spoken(seed.text, shown=False))
    library = {}
    for category, utterances in prompts.items():
        titles = [
            RouteText(category, short[category][i % len(short[category])], "", text)
            for i, text in enumerate(long[category])
        ]
        library[category] = Intent(titles, utterances)
    return library


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


def _plain(pairs: Iterable[tuple[str, Spoken]], say: Callable[[str], RouteText]) -> Library:
    utterances: dict[str, list[Spoken]] = defaultdict(list)
    for name, spoken in pairs:
        utterances[name].append(spoken)
    return {name: Intent([say(name)], found) for name, found in utterances.items()}


def _banking(data: Path) -> Library:
    parts = [(part, rows(data / "banking77" / f"{part}.jsonl")) for part in ("train", "test")]
    found = ((r["intent"], Spoken(r["text"], shown=part == "train")) for part, rs in parts for r in rs)
    return _plain(found, RouteText)


def topics(data: Path) -> Library:
    """SIB-200's topics; translations of one sentence share its id."""
    found = rows(data / "sib200" / "train_dev.jsonl")
    return _plain(((r["category"], _translated(r, r["split"] == "train")) for r in found), _described())


def _commands(data: Path) -> Library:
    found = rows(data / "xsid" / "valid_no_zh.jsonl")
    return _plain(((r["intent"], _translated(r, int(r["id"][-3:]) % 3 > 0)) for r in found), _described())


def _translated(row: dict[str, Any], shown: bool) -> Spoken:
    return Spoken(row["text"], shown=shown, language=row["lang"], sentence=row["id"])


def _described() -> Callable[[str], RouteText]:
    said = dict(seed_pairs("topics.txt"))
    return lambda name: RouteText(name, "", "", said[name])


def _metatool(data: Path) -> Library:
    said = json.loads((data / "metatool" / "plugin_des.json").read_text("utf-8"))
    found = rows(data / "metatool" / "single_tool_dev.jsonl")
    return _plain(((r["tool"], Spoken(r["query"])) for r in found), lambda name: RouteText(name, "", "", said[name]))


_FEWEST = 8


def _single(data: Path) -> Library:
    """What is asked of banks and hotels with one intent."""
    said = json.loads((data / "nlupp" / "ontology.json").read_text("utf-8"))["intents"]
    single = [r for r in rows(data / "nlupp" / "nlupp.jsonl") if len(r["intents"]) == 1]
    found = ((r["intents"][0], Spoken(r["text"], shown=False)) for r in single)
    library = _plain(found, lambda name: RouteText(name, "", "", meant(said[name]["description"])))
    return {name: intent for name, intent in library.items() if len(intent.utterances) >= _FEWEST}


def meant(description: str) -> str:
    """ "is the intent asking about pets?" as a policy's author would put it: "Asking about pets."."""
    text = re.sub(r"^is the intent (to )?", "", description).rstrip("?")
    return f"{text[0].upper()}{text[1:]}."
