"""YAML text to plain values, as Kubernetes reads it, safely: untrusted text costs bounded time and memory.

Built from the parser's events, without recursion, because PyYAML's own loader resolves timestamps and sexagesimal
numbers, lets a key be given twice, overflows the stack on deep nesting and lets aliases grow without limit.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from pointsman.core.yamlscalar import Unreadable, line_of, scalar

__all__ = ["MAX_DEPTH", "MAX_SIZE", "Document", "Unreadable", "read"]

MAX_DEPTH = 64
"""Deepest nesting of a document; our own resources reach nine."""
MAX_SIZE = 8 * 1024 * 1024
"""Largest document in characters once its aliases are written out; a whole object must stay under 1.5 MiB in etcd."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Document(msgspec.Struct, frozen=True):
    """One document: its value, the line that it starts on, and keys that are given twice as (path, line)."""

    line: int
    value: Any
    duplicates: tuple[tuple[tuple[str | int, ...], int], ...] = ()


def read(text: str) -> Iterator[Document]:
    """The documents of a text, in order; raises Unreadable where the text stops being YAML."""
    builder, start = _Builder(), 1
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                builder, start = _Builder(), line_of(event)
            elif isinstance(event, yaml.DocumentEndEvent):
                yield Document(start, builder.root, tuple(builder.duplicates))
            else:
                builder.add(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line if mark else 0
        tabbed = re.match(r"\s*\t", "".join(text.splitlines()[line : line + 1]))
        fix = "Indent by spaces: YAML allows no tabs there" if tabbed else "Correct the YAML at or just above it"
        raise Unreadable(line + 1, _words(error), fix) from None
    except (yaml.YAMLError, UnicodeError):
        raise Unreadable(1, "holds characters that YAML does not allow", "Save it as UTF-8 text") from None


def _words(error: yaml.MarkedYAMLError) -> str:
    """The parser's own words, without what it quotes: that may come from a Secret."""
    said = re.sub(r"""\s*(but got|:)?\s*(['"]).*?\2""", "", error.problem or "cannot be read", flags=re.DOTALL)
    context = re.sub(r"""\s*(['"]).*?\1""", "", error.context or "", flags=re.DOTALL)
    return f"{said} {context}".strip()


class _Frame:
    """A list or mapping that is being filled."""

    def __init__(self, value: list[Any] | dict[str, Any], anchor: str | None, size: int, flow: bool) -> None:
        self.value, self.anchor, self.size = value, anchor, size
        self.flow = flow
        """Whether it is written in brackets."""
        self.depth = 1
        self.key: str | None = None
        self.merges: list[Any] = []


class _Builder:
    """Fills one document from events."""

    def __init__(self) -> None:
        self.root: Any = None
        self.duplicates: list[tuple[tuple[str | int, ...], int]] = []
        self._frames: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, int, int]] = {}
        """Value, size and depth by name."""
        self._size = 0

    def add(self, event: yaml.Event) -> None:
        """Takes the next event."""
        line = line_of(event)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close(line)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        self._grow(len(event.value) + 1, line)
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.flow and "?" in event.value and not event.style:
            # PyYAML takes it, the parser of kubectl ends the text there: "did not find expected ',' or ']'"
            raise Unreadable(line, "a ? in unquoted text within brackets, which kubectl refuses", "Quote the text")
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            self._key(frame, event.value, line)
            return
        value = scalar(event)
        if event.anchor:
            self._anchors[event.anchor] = (value, len(event.value) + 1, 0)
        self._put(value, 0, line)

    def _key(self, frame: _Frame, key: str, line: int) -> None:
        if key in frame.value:
            where = [part.key if isinstance(part.value, dict) else len(part.value) for part in self._frames[:-1]]
            self.duplicates.append(((*(part for part in where if part is not None), key), line))
        frame.key = key

    def _alias(self, event: yaml.AliasEvent, line: int) -> None:
        if event.anchor not in self._anchors:
            raise Unreadable(line, "an alias (*NAME) names no finished anchor (&NAME) above it", "Write the value out")
        value, size, depth = self._anchors[event.anchor]
        self._grow(size, line)
        self._nest(depth, line)
        self._put(value, depth, line)

    def _open(self, event: yaml.CollectionStartEvent, line: int) -> None:
        self._nest(1, line)
        if self._frames and isinstance(self._frames[-1].value, dict) and self._frames[-1].key is None:
            raise Unreadable(line, "a key is a list or mapping", "Keys are words; check for { or [ before a colon")
        self._grow(2, line)
        empty: list[Any] | dict[str, Any] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
        self._frames.append(_Frame(empty, event.anchor, self._size, bool(event.flow_style)))

    def _close(self, line: int) -> None:
        frame = self._frames.pop()
        for merged in frame.merges:
            frame.value = {**merged, **frame.value}  # type: ignore[dict-item]  # only mappings have merges
        if frame.anchor:
            self._anchors[frame.anchor] = (frame.value, self._size - frame.size + 2, frame.depth)
        self._put(frame.value, frame.depth, line)

    def _put(self, value: Any, depth: int, line: int) -> None:
        if not self._frames:
            self.root = value
            return
        frame = self._frames[-1]
        frame.depth = max(frame.depth, depth + 1)
        if isinstance(frame.value, list):
            frame.value.append(value)
        elif frame.key is None:
            raise Unreadable(line, "a key is an alias", "Write the key out")
        else:
            self._set(frame, frame.key, value, line)

    def _set(self, frame: _Frame, key: str, value: Any, line: int) -> None:
        assert isinstance(frame.value, dict)
        frame.key = None
        if key != "<<":
            frame.value[key] = value
            return
        merges = value if isinstance(value, list) else [value]
        if not all(isinstance(merged, dict) for merged in merges):
            raise Unreadable(line, "a merge (<<) of something that is no mapping", "Write the fields out")
        frame.merges += merges

    def _nest(self, depth: int, line: int) -> None:
        if len(self._frames) + depth > MAX_DEPTH:
            raise Unreadable(line, f"is nested deeper than {MAX_DEPTH} levels", "Check the indentation and brackets")

    def _grow(self, size: int, line: int) -> None:
        self._size += size
        if self._size > MAX_SIZE:
            raise Unreadable(line, "grows beyond 8 MiB", "Split it into several objects and write aliases out")
