"""A moving average that is forgotten when nothing is added."""

WEIGHT = 0.2
"""Of a new value."""
EXPIRY = 60.0
"""Seconds."""


class ExpiringAverage:
    """An exponentially weighted average of recent values."""

    __slots__ = ("_added_at", "_value")

    def __init__(self) -> None:
        self._value: float | None = None
        self._added_at = 0.0

    def add(self, value: float, now: float) -> None:
        """Takes a new value; after the expiry it starts afresh."""
        old = self.value(now)
        self._value = value if old is None else old + WEIGHT * (value - old)
        self._added_at = now

    def value(self, now: float) -> float | None:
        """The average; None without a value within the expiry."""
        return self._value if now - self._added_at <= EXPIRY else None
