"""The evaluation gate: whether a release may answer, by cases with known answers."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pointsman.cli.evaluate.lines import CaseFile, RouteCase
from pointsman.cli.evaluate.replay import DEFAULT
from pointsman.core.errors import ConfigError
from pointsman.core.request import Turn
from pointsman.core.signals import Classification

Classify = Callable[[tuple[Turn, ...]], Classification]


class Line(RouteCase, frozen=True, kw_only=True):
    """One line of a cases file: a case of `pointsman eval routes`, which may tell a category instead of a route."""

    route: str | msgspec.UnsetType | None = msgspec.UNSET  # type: ignore[assignment]  # null says that none fits
    category: str | None = None


class Case(NamedTuple):
    """A conversation, and what is known of it."""

    turns: tuple[Turn, ...]
    wanted: Mapping[str, str | None]
    """The right `route`, None when none fits, and the right `category`, where they are told."""


class Limits(msgspec.Struct, frozen=True):
    """What a release must keep."""

    drop: float = 0.01
    """Share of the cases by which it may be less often right than the release that answers."""
    agreement: float = 0.9
    """Least share of the cases in which both say the same."""


class Verdict(msgspec.Struct, frozen=True):
    """What the cases said."""

    cases: int
    labels: int
    """Right answers known: routes and categories."""
    current: float
    candidate: float
    """Shares of the labels that each release has right."""
    agreement: float
    """Share of the cases in which both say the same of every label's kind."""
    passed: bool


def read_cases(file: Path) -> list[Case]:
    """The lines of a cases file. Raises ConfigError for one that is wrong, with its number and the fix."""
    lines = CaseFile(file, Line)
    cases = [Case(lines.request(place, line, "gate").turns, _wanted(line)) for place, line in lines.scan()]
    if not cases:
        raise ConfigError(f"{file} has no cases")
    return cases


def judge(
    cases: Sequence[Case],
    current: Classify,
    candidate: Classify,
    limits: Limits,
) -> Verdict:
    """Ask both of every case. Without any label, agreement alone decides."""
    labels = right = right_candidate = same = 0
    for case in cases:
        wanted = case.wanted
        old, new = _said(current(case.turns)), _said(candidate(case.turns))
        labels += len(wanted)
        right += sum(old[kind] == value for kind, value in wanted.items())
        right_candidate += sum(new[kind] == value for kind, value in wanted.items())
        same += all(old[kind] == new[kind] for kind in (wanted or old))
    shares = right / max(labels, 1), right_candidate / max(labels, 1), same / len(cases)
    passed = shares[1] >= shares[0] - limits.drop and shares[2] >= limits.agreement
    return Verdict(len(cases), labels, *shares, passed)


def _wanted(line: Line) -> Mapping[str, str | None]:
    wanted: dict[str, str | None] = {}
    if line.route is not msgspec.UNSET:
        wanted["route"] = None if line.route == DEFAULT else line.route
    if line.category is not None:
        wanted["category"] = line.category
    return wanted


def _said(answer: Classification) -> Mapping[str, str | None]:
    return {"route": _top(answer.routes, 1 - sum(answer.routes.values())), "category": _top(answer.category, 0.0)}


def _top(shares: Mapping[str, Any], none: float) -> str | None:
    best = max(shares, key=shares.__getitem__, default=None)
    return best if best is not None and shares[best] > none else None
