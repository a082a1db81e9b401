"""Adds a key to a key file's text, or removes one; all other lines, comments included, stay as they are."""

import msgspec
import yaml

from pointsman.core.errors import ConfigError
from pointsman.core.keys import KeyEntry, parse_keys

_HEADING = "# Pointsman API keys: hashes only; `pointsman keys` adds and revokes them.\n"


def add_entry(text: str, entry: KeyEntry) -> str:
    """The file with one more key at its end. Raises ConfigError when the file has problems or lists the key already."""
    _usable(text)
    items = _items(text)
    if not items:  # no file yet, or an empty list
        comments = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
        added = f"{comments or _HEADING}keys:\n{_render(entry, 0)}"
    else:
        lines = text.splitlines(keepends=True)
        lines[-1] = lines[-1].rstrip("\n") + "\n"
        lines.insert(items[-1].end, _render(entry, items[-1].indent))
        added = "".join(lines)
    if entry not in _usable(added):
        raise ConfigError("the key's user or note holds characters that YAML cannot keep; use plain text")
    return added


def remove_entry(text: str, key_id: str) -> str:
    """The file without one key. Raises ConfigError when the file has problems or does not list the key."""
    entries = _usable(text)
    index = next((index for index, entry in enumerate(entries) if entry.id == key_id), None)
    if index is None:
        known = ", ".join(entry.id for entry in entries) or "none"
        raise ConfigError(f"no key has this id; known ids: {known}")
    items, lines = _items(text), text.splitlines(keepends=True)
    del lines[items[index].start : items[index].end]
    left = "".join(lines)
    _usable(left)
    return left


class _Item(msgspec.Struct, frozen=True):
    """Where a key stands: lines from `start` up to and without `end`, and the column of its dash."""

    start: int
    end: int
    indent: int


def _items(text: str) -> list[_Item]:
    """Where the keys of a valid file stand."""
    document = yaml.compose(text, Loader=yaml.SafeLoader)
    sequence = document.value[0][1] if isinstance(document, yaml.MappingNode) and document.value else None
    if not isinstance(sequence, yaml.SequenceNode) or not sequence.value:
        return []
    if sequence.flow_style or any(node.flow_style for node in sequence.value):
        raise ConfigError("the keys are written in brackets or braces; write each on lines of its own, after a dash")
    lines = text.splitlines()
    starts = [node.start_mark.line for node in sequence.value]
    return [
        _Item(start, _last_line(lines, start, node.end_mark.line), lines[start].index("-"))
        for start, node in zip(starts, sequence.value, strict=True)
    ]


def _last_line(lines: list[str], start: int, end: int) -> int:
    """The line after an item: YAML's own end of it includes the blank lines and comments that follow."""
    end = min(end, len(lines))
    while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


def _render(entry: KeyEntry, indent: int) -> str:
    fields = entry.model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump(fields, sort_keys=False, width=200, allow_unicode=True)
    lines = text.splitlines()
    first, rest = f"- {lines[0]}", [f"  {line}" for line in lines[1:]]
    return "".join(f"{' ' * indent}{line}\n" for line in (first, *rest))


def _usable(text: str) -> tuple[KeyEntry, ...]:
    parsed = parse_keys(text)
    if parsed.problems:
        raise ConfigError("the key file is left as it is: " + "; ".join(map(str, parsed.problems)))
    return parsed.entries
