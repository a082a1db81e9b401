"""A problem: what is wrong with a resource, where, and what to do about it."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """An error keeps something from working; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Problem(msgspec.Struct, frozen=True, order=True):
    """One thing that is wrong, in words that lead to the fix. Never holds the value of a Secret."""

    file: str
    """Where the object was read from; empty for objects of a cluster."""
    object: str
    """As in "RoutingPolicy ai/assistant"; empty when the file itself is unreadable."""
    field: str
    """As in "spec.routes[2].backends[0].name"; empty when the whole object is meant."""
    problem: str
    fix: str
    severity: Severity = Severity.ERROR

    @property
    def is_error(self) -> bool:
        """Whether something does not work because of it."""
        return self.severity is Severity.ERROR

    @property
    def unreadable(self) -> bool:
        """Whether the file could not be read to its end, so that objects may be missing."""
        return self.is_error and not self.object

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.file, self.object, self.field) if part)
        return f"{where}: {self.problem}. {self.fix}"


class Finding(msgspec.Struct, frozen=True):
    """A problem of an object that does not need to be named: what checks return."""

    field: str
    problem: str
    fix: str
    severity: Severity = Severity.ERROR
    reason: str = ""
    """The CamelCase reason of a condition, where one fits."""

    def of(self, ref: object, file: str = "") -> Problem:
        """The same as a problem of this object."""
        return Problem(file, str(ref), self.field, self.problem, self.fix, self.severity)


def warning(field: str, problem: str, fix: str, reason: str = "") -> Finding:
    """A finding that keeps nothing from working."""
    return Finding(field, problem, fix, Severity.WARNING, reason)


def is_valid(problems: Iterable[Problem]) -> bool:
    """Whether none of these is an error."""
    return not any(problem.is_error for problem in problems)


def path(*parts: str | int) -> str:
    """A field's path as the API server writes it: names joined by dots, indices and odd keys in brackets."""
    text = ""
    for part in parts:
        if isinstance(part, int) or "." in part or "/" in part:
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text
