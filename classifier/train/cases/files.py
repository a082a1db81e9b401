"""What a set of cases is, and how it is written."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

Message = dict[str, str]


class Route(NamedTuple):
    """A route as its author writes it."""

    name: str
    domain: str = ""
    action: str = ""
    description: str = ""
    examples: tuple[str, ...] = ()


class Case(NamedTuple):
    """A conversation up to a user turn, and the route that it belongs to (None: no route fits)."""

    messages: tuple[Message, ...]
    route: str | None
    language: str | None = None
    conversation: str | None = None
    turn: int | None = None


class RouteSet(NamedTuple):
    """A policy and its cases."""

    name: str
    title: str
    sources: tuple[str, ...]
    """Folders of the data that cases, routes or examples come from."""
    routes: tuple[Route, ...]
    cases: Sequence[Case]


class Outcome(NamedTuple):
    """A prompt, and how well each model answered it, 0 to 1."""

    prompt: str
    quality: Mapping[str, float]
    category: str | None = None


class OutcomeSet(NamedTuple):
    """Outcomes of the same models on many prompts."""

    name: str
    title: str
    sources: tuple[str, ...]
    outcomes: Sequence[Outcome]
    costs: Mapping[str, Any] | None = None


def said(text: str) -> tuple[Message, ...]:
    """A conversation of one user turn."""
    return ({"role": "user", "content": text},)


def label(name: str) -> str:
    """A data set's name as a route may be called: lower case, digits and single dashes."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    return re.sub(r"[^a-z0-9]+", "-", apart.lower()).strip("-")[:63].strip("-")


def write_routes(out: Path, made: RouteSet) -> dict[str, Any]:
    """OUT/routes/NAME/policy/policy.yaml and OUT/routes/NAME/cases.jsonl; gives the set's entry in the index."""
    folder = out / "routes" / made.name
    (folder / "policy").mkdir(parents=True, exist_ok=True)
    (folder / "policy" / "policy.yaml").write_text(_policy(made), "utf-8")
    _write_lines(folder / "cases.jsonl", [_without_none(case) for case in made.cases])
    return {
        "kind": "routes",
        "name": made.name,
        "title": made.title,
        "sources": made.sources,
        "policy": f"routes/{made.name}/policy",
        "file": f"routes/{made.name}/cases.jsonl",
        "cases": len(made.cases),
        "routes": len(made.routes),
    }


def write_outcomes(out: Path, made: OutcomeSet) -> dict[str, Any]:
    """OUT/models/NAME/outcomes.jsonl and, where there are prices, costs.json; gives the set's entry in the index."""
    folder = out / "models" / made.name
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        {"messages": said(each.prompt), "quality": dict(each.quality)}
        | ({"category": each.category} if each.category else {})
        for each in made.outcomes
    ]
    _write_lines(folder / "outcomes.jsonl", lines)
    entry = {
        "kind": "models",
        "name": made.name,
        "title": made.title,
        "sources": made.sources,
        "file": f"models/{made.name}/outcomes.jsonl",
        "cases": len(made.outcomes),
        "models": len(made.outcomes[0].quality),
    }
    if made.costs is not None:
        (folder / "costs.json").write_text(json.dumps(made.costs, indent=1) + "\n", "utf-8")
        entry["costs"] = f"models/{made.name}/costs.json"
    return entry


def _policy(made: RouteSet) -> str:
    routes = [
        {key: list(value) if key == "examples" else value for key, value in route._asdict().items() if value}
        | {"backends": [{"name": "model"}]}
        for route in made.routes
    ]
    spec = {"virtualModels": ["auto"], "routes": routes, "default": {"backends": [{"name": "model"}]}}
    metadata = {"name": label(made.name), "namespace": "evaluation"}
    head = {"apiVersion": "pointsman.dev/v1alpha1", "kind": "RoutingPolicy", "metadata": metadata}
    return yaml.safe_dump({**head, "spec": spec}, sort_keys=False, allow_unicode=True, width=120)


def _without_none(case: Case) -> dict[str, Any]:
    found = case._asdict()
    return {key: value for key, value in found.items() if value is not None or key == "route"}


def _write_lines(file: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
