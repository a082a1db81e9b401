"""Durations as Kubernetes writes them (GEP-2257): up to four of 5h, 30m, 10s, 250ms, one after the other."""

import re

from pointsman.core.errors import ConfigError

_UNITS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_WHOLE = re.compile(r"([0-9]{1,5}(h|ms|m|s)){1,4}", re.ASCII)
_PART = re.compile(r"([0-9]{1,5})(h|ms|m|s)", re.ASCII)


def seconds(duration: str) -> float:
    """The duration in seconds; raises ConfigError on anything but a GEP-2257 duration."""
    return milliseconds(duration) / 1000


def milliseconds(duration: str) -> int:
    """The duration in milliseconds, exactly."""
    if not _WHOLE.fullmatch(duration):
        raise ConfigError(f"{duration[:40]!r} is not a duration such as 1m30s or 250ms")
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(duration))
