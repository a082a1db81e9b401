"""What several rules share."""

from collections.abc import Hashable, Iterable, Iterator
from typing import TypeVar

from pointsman.core.problems import Finding

_Item = TypeVar("_Item", bound=Hashable)


def repeated(items: Iterable[_Item]) -> Iterator[tuple[int, _Item]]:
    """Index and value of every item that came before."""
    seen: set[_Item] = set()
    for index, item in enumerate(items):
        if item in seen:
            yield index, item
        seen.add(item)


def given_once(field: str, items: Iterable[Hashable], suffix: str = "") -> Iterator[Finding]:
    """A finding for every entry of a list that is there already; `suffix` leads to the part that repeats."""
    for index, item in repeated(items):
        yield Finding(f"{field}[{index}]{suffix}", f'"{item}" is given twice', "Keep one of them")
