"""The evaluation gate: whether a release may answer, by cases with known answers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pointsman.core.errors import ConfigError
from pointsman.core.request import Turn
from pointsman.core.signals import Classification

Classify = Callable[[tuple[Turn, ...]], Classification]


class Message(msgspec.Struct, frozen=True):
    """One turn of a case."""

    role: str
    content: str


class Case(msgspec.Struct, frozen=True):
    """One line of a cases file, as `pointsman eval routes` reads them; a category may be told too."""

    messages: tuple[Message, ...]
    route: str | msgspec.UnsetType | None = msgspec.UNSET
    """The right route, or null when none fits."""
    category: str | None = None

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The conversation."""
        return tuple(Turn(message.role, message.content) for message in self.messages)


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
    """The lines of a cases file. Raises ConfigError for one that is wrong, by its number."""
    cases = []
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                cases.append(msgspec.json.decode(line, type=Case))
            except msgspec.MsgspecError as error:
                raise ConfigError(f"{file}, line {number}: {error}") from error
    if not cases:
        raise ConfigError(f"{file} has no cases")
    return cases


def judge(
    cases: Sequence[Case],
    current: Classify,
    candidate: Classify,
    limits: Limits,
    progress: Callable[[Iterable[Case]], Iterable[Case]] = iter,
) -> Verdict:
    """Ask both of every case. Without any label, agreement alone decides."""
    labels = right = right_candidate = same = 0
    for case in progress(cases):
        wanted = _wanted(case)
        old, new = _said(current(case.turns)), _said(candidate(case.turns))
        labels += len(wanted)
        right += sum(old[kind] == value for kind, value in wanted.items())
        right_candidate += sum(new[kind] == value for kind, value in wanted.items())
        same += all(old[kind] == new[kind] for kind in (wanted or old))
    shares = right / max(labels, 1), right_candidate / max(labels, 1), same / len(cases)
    passed = shares[1] >= shares[0] - limits.drop and shares[2] >= limits.agreement
    return Verdict(len(cases), labels, *shares, passed)


def _wanted(case: Case) -> Mapping[str, str | None]:
    wanted: dict[str, str | None] = {}
    if case.route is not msgspec.UNSET:
        wanted["route"] = case.route
    if case.category is not None:
        wanted["category"] = case.category
    return wanted


def _said(answer: Classification) -> Mapping[str, str | None]:
    return {"route": _top(answer.routes, 1 - sum(answer.routes.values())), "category": _top(answer.category, 0.0)}


def _top(shares: Mapping[str, Any], none: float) -> str | None:
    best = max(shares, key=shares.__getitem__, default=None)
    return best if best is not None and shares[best] > none else None
