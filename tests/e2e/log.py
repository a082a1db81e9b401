"""What an end-to-end run measured, shown after it: pytest captures what is said within a test."""

from tests.cluster.files import say

LINES: list[str] = []


def note(line: str) -> None:
    """One line of the log."""
    LINES.append(line)
    say(line)
