"""`pointsman eval routes`: from a policy and cases to figures."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pointsman_classifier.evaluation.routes import Routed, RouteSummary, summarise

from pointsman.cli.evaluate.lines import CaseFile, Place, RouteCase
from pointsman.cli.evaluate.policy import Ruling
from pointsman.cli.evaluate.replay import DEFAULT, Log, Replay
from pointsman.core.errors import ConfigError
from pointsman.core.mistakes import close


class Plan(NamedTuple):
    """The cases in the order in which they are asked: conversations as they first appear, their turns by `turn`."""

    places: list[Place]
    truth: list[int]
    language: list[int]
    conversation: list[int]
    """Number of each case's conversation; cases outside of one have their own."""
    named: list[bool]
    """Whether the line names a conversation."""
    languages: tuple[str, ...]


class RouteResult(NamedTuple):
    """What was found."""

    plan: Plan
    routed: Routed
    summary: RouteSummary
    routes: tuple[str, ...]
    reasons: dict[str, int]
    """How often each reason chose the route."""


def plan_cases(file: CaseFile[RouteCase], ruling: Ruling) -> Plan:
    """Check every line. Raises ConfigError with the line's number and the fix."""
    names = {route.name: i for i, route in enumerate(ruling.policy.routes)} | {DEFAULT: -1}
    languages: dict[str, int] = {}
    conversations: dict[object, int] = {}
    rows = []
    for place, case in file.scan():
        if case.route is not None and case.route not in names:
            raise file.wrong(place.number, _unknown(case.route, names, ruling))
        file.request(place, case, ruling.model)
        truth = names[case.route or DEFAULT]
        language = languages.setdefault(case.language, len(languages)) if case.language else -1
        key = case.conversation if case.conversation is not None else place
        conversation = conversations.setdefault(key, len(conversations))
        named = case.conversation is not None
        rows.append((conversation, case.turn or 0, place, truth, language, named))
    if not rows:
        raise ConfigError(f"{file.path}: holds no cases; write one JSON object per line")
    rows.sort(key=lambda row: (row[0], row[1], row[2].number))
    return Plan(
        places=[row[2] for row in rows],
        truth=[row[3] for row in rows],
        language=[row[4] for row in rows],
        conversation=[row[0] for row in rows],
        named=[row[5] for row in rows],
        languages=tuple(languages),
    )


def _unknown(route: str, names: Iterable[str], ruling: Ruling) -> str:
    """A route's name is written by whoever made the cases, like the policy; it is no text of a prompt."""
    near = close(route, [name for name in names if name != DEFAULT])
    hint = f"did you mean {near}?" if near else "name one of its routes, or null when none fits"
    return f"policy {ruling.policy.key} has no route {route[:80]!r}; {hint}"


def evaluate_routes(
    file: CaseFile[RouteCase],
    plan: Plan,
    ruling: Ruling,
    replay: Replay,
    advance: Callable[[], None],
    *,
    sessions: bool,
) -> RouteResult:
    """Ask every case, and sum up."""
    log = Log(route.name for route in ruling.policy.routes)
    cases = file.read(plan.places)
    for (place, case), conversation, named in zip(cases, plan.conversation, plan.named, strict=True):
        request = file.request(place, case, ruling.model)
        log.add(replay.run(request, conversation if named and sessions else None))
        advance()
    routed = _arrays(plan, log)
    summary = summarise(routed, len(log.names), len(plan.languages))
    return RouteResult(plan, routed, summary, log.names, dict(log.reasons))


def _arrays(plan: Plan, log: Log) -> Routed:
    found = log.verdicts
    return Routed(
        truth=np.array(plan.truth),
        chosen=np.array([log.number[each.chosen] for each in found]),
        alone=np.array([log.number[each.alone] for each in found]),
        best=np.array([log.number[each.best] for each in found]),
        score=np.array([each.score for each in found]),
        outside=np.array([each.outside for each in found]),
        seconds=np.array([each.seconds for each in found]),
        language=np.array(plan.language),
        conversation=np.array(plan.conversation),
        named=np.array(plan.named),
    )


def open_cases(path: Path) -> CaseFile[RouteCase]:
    """The case file at a path."""
    return CaseFile(path, RouteCase)
