"""Whether Triton is worth asking: a few failures in a row say no, and only a good probe says yes again."""

FAILURES = 3
"""In a row, until requests are no longer sent there. A server that sheds load also answers some, and stays in use."""


class Breaker:
    """Starts open: nothing is known of the server before its first probe."""

    def __init__(self) -> None:
        self._failures = FAILURES
        self.reason = "not asked yet"
        """Why it is not worth asking; empty when it is."""

    @property
    def open(self) -> bool:
        """Whether requests should not be sent."""
        return self._failures >= FAILURES

    def succeeded(self) -> None:
        """A request was answered. It closes nothing: one that was sent earlier may answer late."""
        if not self.open:
            self._failures = 0

    def failed(self, reason: str, *, wrong: bool = False) -> bool:
        """A request was not answered, or wrongly, which opens at once. True if this opened it."""
        was = self.open
        self._failures = FAILURES if wrong else self._failures + 1
        if self.open:
            self.reason = reason
        return self.open and not was

    def probed(self) -> None:
        """A probe was answered as it should be."""
        self._failures, self.reason = 0, ""
