"""Figures as people read them, in reports and on a terminal."""

import math
from collections.abc import Iterable, Mapping, Sequence

from pointsman_classifier.evaluation.intervals import Interval


def share(value: float) -> str:
    """Three digits after the point, without the zero: .934; "-" for what cannot be told."""
    if math.isnan(value):
        return "-"
    return f"{value:.3f}".replace("0.", ".", 1) if 0 <= value < 1 else f"{value:.3f}"


def between(interval: Interval) -> str:
    """Both ends of an interval."""
    return "-" if math.isnan(interval.low) else f"{share(interval.low)} to {share(interval.high)}"


def milliseconds(seconds: float) -> str:
    """A short time."""
    return "-" if math.isnan(seconds) else f"{1_000 * seconds:.2f} ms"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def made_from(kind: str, data: str, sha256: str, classifier: str, versions: Mapping[str, str]) -> str:
    """What a report rests on, as a table."""
    return table(("", ""), [(kind, f"{data}, SHA-256 {sha256}"), ("classifier", classifier), *versions.items()])
