"""The classes of each data set as what a policy's author could write of them, with utterances of each."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pointsman_classifier.routes import RouteText

from train.intents import Intent, Library, Spoken
from train.services import services, sgd
from train.sources import rows, seed_pairs, seed_prompts


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
