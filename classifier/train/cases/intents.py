"""Many narrow intents with ten examples each, and with intents that no route stands for; tools by description."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from train.cases.files import Case, Route, RouteSet, label, said
from train.libraries import meant
from train.sources import rows, seed_pairs

Text = tuple[str, str]
"""An utterance and its language."""
Intents = Mapping[str, Sequence[Text]]

EXAMPLES = 10


def sets(data: Path) -> list[RouteSet]:
    """All sets of this kind."""
    return [_banking(data), _many(data), _nlupp(data), _assistant(data), _assistant_unknown(data), *_tools(data)]


def _banking(data: Path) -> RouteSet:
    """Examples of the train file, cases of the test file."""
    shown, asked = _grouped(data, "banking77/train.jsonl"), _grouped(data, "banking77/test.jsonl")
    draw = np.random.default_rng(1)
    routes = tuple(_with_examples(name, texts, draw)[0] for name, texts in shown.items())
    cases = [Case(said(text), label(name), "en") for name, texts in asked.items() for text, _ in texts[::2]]
    return RouteSet("banking77", "77 banking intents, 10 examples each", ("banking77",), routes, cases)


def _many(data: Path) -> RouteSet:
    """150 intents of ten domains and tools, and cases of as many intents that no route stands for."""
    assistant = {
        name: english
        for name, texts in _grouped(data, "xsid/valid_no_zh.jsonl").items()
        if len(english := [text for text in texts if text[1] == "en"]) > 2 * EXAMPLES
    }
    hotels = {name: texts for name, texts in _single(data).items() if len(texts) > 2 * EXAMPLES}
    sources = (
        _grouped(data, "banking77/train.jsonl"),
        assistant,
        hotels,
        _grouped(data, "metatool/single_tool_dev.jsonl", "query", "tool"),
    )
    draw = np.random.default_rng(2)
    routes: list[Route] = []
    cases: list[Case] = []
    for intents, most in zip(sources, (40, 10, 10, 90), strict=True):
        names = [str(name) for name in draw.permutation(sorted(n for n in intents if len(intents[n]) > 2 * EXAMPLES))]
        kept = set(names[: min(most, int(len(names) * 0.75))])
        for name in names:
            route, rest = _with_examples(name, intents[name], draw)
            if name in kept:
                routes.append(route)
            cases += [Case(said(t), route.name if name in kept else None, language) for t, language in rest[:14]]
    strangers = [case for case in cases if case.route is None]
    known = [case for case in cases if case.route is not None]
    cases = [*known, *strangers[:: max(1, len(strangers) // 600)][:600]]
    title = f"{len(routes)} intents of many domains, 10 examples each; others left out"
    return RouteSet("intents", title, ("banking77", "xsid", "nlupp", "metatool"), tuple(routes), cases)


def _nlupp(data: Path) -> RouteSet:
    """Utterances with one intent, of banking and hotels."""
    said_of = json.loads((data / "nlupp" / "ontology.json").read_text("utf-8"))["intents"]
    draw = np.random.default_rng(3)
    routes, cases = [], []
    for name, texts in sorted(_single(data).items()):
        if len(texts) < EXAMPLES + 3:
            continue
        route, rest = _with_examples(name, texts, draw, description=meant(said_of[name]["description"]))
        routes.append(route)
        cases += [Case(said(text), route.name, language) for text, language in rest]
    title = f"{len(routes)} intents of banking and hotels, described, 10 examples each"
    return RouteSet("nlupp", title, ("nlupp",), tuple(routes), cases)


def _assistant(data: Path) -> RouteSet:
    """Ten English examples each, asked in eleven languages."""
    draw = np.random.default_rng(4)
    described = dict(seed_pairs("topics.txt"))
    routes, cases = [], []
    for name, texts in _grouped(data, "xsid/valid_no_zh.jsonl").items():
        english = [text for text in texts if text[1] == "en"]
        route, rest = _with_examples(name, english, draw, len(english) // 2, described[name])
        routes.append(route)
        others = [text for text in texts if text[1] != "en"]
        cases += [Case(said(text), route.name, language) for text, language in (*rest, *others)]
    title = f"{len(routes)} assistant intents, described, up to 10 English examples, 11 languages"
    return RouteSet("xsid", title, ("xsid",), tuple(routes), cases[::2])


def _assistant_unknown(data: Path) -> RouteSet:
    """By description only, and a third of the intents has no route."""
    described = dict(seed_pairs("topics.txt"))
    outside = ("RateBook", "SearchCreativeWork", "reminder/set_reminder", "reminder/show_reminders", "PlayMusic")
    routes, cases = [], []
    for name, texts in _grouped(data, "xsid/valid_no_zh.jsonl").items():
        if name not in outside:
            routes.append(Route(label(name), description=described[name]))
        route = None if name in outside else label(name)
        cases += [Case(said(text), route, language) for text, language in texts[::3]]
    title = f"{len(routes)} assistant intents by description, 11 languages; others left out"
    return RouteSet("xsid-described", title, ("xsid",), tuple(routes), cases)


def _tools(data: Path) -> list[RouteSet]:
    """Tools by their description only: 150 of them, and with a quarter left out."""
    described = json.loads((data / "metatool" / "plugin_des.json").read_text("utf-8"))
    asked = _grouped(data, "metatool/single_tool_dev.jsonl", "query", "tool")
    names = [str(name) for name in np.random.default_rng(5).permutation(sorted(asked))]
    kept = sorted(names[: len(names) * 3 // 4])
    routes = tuple(Route(label(name), description=described[name]) for name in kept)
    cases = [
        Case(said(text), label(name) if name in kept else None, language)
        for name in names
        for text, language in asked[name][:8]
    ]
    title = f"{len(routes)} tools by description; others left out"
    return [RouteSet("metatool", title, ("metatool",), routes, cases)]


def _with_examples(
    name: str, texts: Sequence[Text], draw: np.random.Generator, most: int = EXAMPLES, description: str = ""
) -> tuple[Route, list[Text]]:
    """A route with some of the texts as examples, and the other texts. An equal text is never on both sides."""
    order = [texts[i] for i in draw.permutation(len(texts))]
    fitting = [text for text, _ in order if len(text) <= 256]
    examples = tuple(dict.fromkeys(fitting))[: min(most, EXAMPLES)]
    rest = [text for text in order if text[0] not in examples]
    return Route(label(name), description=description, examples=examples), rest


def _grouped(data: Path, file: str, text: str = "text", intent: str = "intent") -> dict[str, list[Text]]:
    found: dict[str, list[Text]] = defaultdict(list)
    for row in rows(data / file):
        found[row[intent]].append((row[text], row.get("lang", "en")))
    return dict(found)


def _single(data: Path) -> dict[str, list[Text]]:
    found: dict[str, list[Text]] = defaultdict(list)
    for row in rows(data / "nlupp" / "nlupp.jsonl"):
        if len(row["intents"]) == 1:
            found[row["intents"][0]].append((row["text"], "en"))
    return dict(found)
