"""Points in time, as people write them on a command line."""

import re
from datetime import UTC, datetime, timedelta

from pointsman.core.errors import ConfigError

_FROM_NOW = re.compile(r"([1-9][0-9]{0,4})([dh])")


def point_in_time(text: str, field: str, now: datetime | None = None) -> str:
    """RFC 3339 of "90d" or "12h" from now, or of an RFC 3339 time. Raises ConfigError that names `field`."""
    now = now or datetime.now(UTC)
    if match := _FROM_NOW.fullmatch(text):
        hours = int(match[1]) * (24 if match[2] == "d" else 1)
        return _written(now + timedelta(hours=hours))
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ConfigError(f"{field}: {text!r} is no time; write 90d, 12h or 2027-01-31T00:00:00Z")
    if time <= now:
        raise ConfigError(f"{field}: {text} has passed; give a time to come")
    return _written(time.astimezone(UTC))


def _written(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
