"""The retry budget: when many requests fail, attempts after the first must not multiply the load."""

from collections import deque
from collections.abc import Callable

WINDOW = 10.0
"""Seconds over which requests and retries are counted."""
ALWAYS_ALLOWED = 10
"""Retries within a window that are allowed however few requests there are."""
_SLICE = 0.5
"""Seconds that are counted together."""


class RetryBudget:
    """Counts requests and retries under names (a policy each), each with a budget of its own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` is in seconds and never goes back."""
        self._clock = clock
        self._counts: dict[str, tuple[_Recent, _Recent]] = {}

    def request(self, name: str) -> None:
        """A request begins; to be called once for each, before its first attempt."""
        self._of(name)[0].add(self._clock())

    def retry(self, name: str, share: float) -> bool:
        """Whether a further attempt is allowed; if so, it is counted. `share` is a fraction of the requests."""
        requests, retries = self._of(name)
        now = self._clock()
        if retries.total(now) >= max(ALWAYS_ALLOWED, share * requests.total(now)):
            return False
        retries.add(now)
        return True

    def _of(self, name: str) -> "tuple[_Recent, _Recent]":
        if name not in self._counts:
            self._counts[name] = (_Recent(), _Recent())
        return self._counts[name]


class _Recent:
    """How often something happened within the window, in slices."""

    def __init__(self) -> None:
        self._slices: deque[list[float]] = deque()  # start, count
        self._total = 0

    def add(self, now: float) -> None:
        self._expire(now)
        if not self._slices or now - self._slices[-1][0] >= _SLICE:
            self._slices.append([now, 0])
        self._slices[-1][1] += 1
        self._total += 1

    def total(self, now: float) -> int:
        self._expire(now)
        return self._total

    def _expire(self, now: float) -> None:
        while self._slices and now - self._slices[0][0] > WINDOW:
            self._total -= int(self._slices.popleft()[1])
