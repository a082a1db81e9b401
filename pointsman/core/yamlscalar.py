"""What a scalar of YAML is to Kubernetes: YAML 1.1 without timestamps and base 60."""

import re
from typing import Any

import yaml

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE|yes|Yes|YES|on|On|ON")
_FALSE = re.compile(r"false|False|FALSE|no|No|NO|off|Off|OFF")
_INT = re.compile(r"[-+]?(0|[1-9][0-9_]{0,17}|0x[0-9a-fA-F_]{1,15}|0o?[0-7_]{1,18})", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null", "map", "seq")}


class Unreadable(Exception):
    """The text is not YAML; `line` counts from one."""

    def __init__(self, line: int, problem: str, fix: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line, self.problem, self.fix = line, problem, fix


def line_of(event: yaml.Event) -> int:
    """The line that an event starts on, from one."""
    return event.start_mark.line + 1 if event.start_mark else 1


def scalar(event: yaml.ScalarEvent) -> Any:
    """The value of a scalar; only an unquoted one, or one with a tag, is anything but a string."""
    text, plain = event.value, event.implicit[0]
    if event.tag in (None, "!"):
        return _plain(text) if plain and event.tag is None else text
    tag = _TAGS.get(event.tag)
    if tag is None:
        raise Unreadable(line_of(event), "a tag (!NAME) that Kubernetes does not know", "Remove the tag")
    return text if tag == "str" else _plain(text)


def _plain(text: str) -> Any:
    """What Kubernetes (YAML 1.1 without timestamps and base 60) makes of unquoted text."""
    for pattern, value in ((_NULL, None), (_TRUE, True), (_FALSE, False)):
        if pattern.fullmatch(text):
            return value
    if _INT.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return float(text.replace(".", "")) if _SPECIAL.fullmatch(text) else text


def _integer(text: str) -> int:
    """An integer in base 10, 16 (0x) or 8 (0 or 0o)."""
    sign, digits = (-1 if text[0] == "-" else 1), text.lstrip("+-").replace("_", "")
    if digits.startswith("0x"):
        return sign * int(digits[2:] or "0", 16)
    if digits.startswith("0") and len(digits) > 1:
        return sign * int(digits.removeprefix("0o") or "0", 8)
    return sign * int(digits)
