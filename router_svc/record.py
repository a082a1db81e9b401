"""The generation record: the metadata of one finished request; never its text."""

from typing import Protocol

import msgspec

from pointsman.core.quota import Usage
from pointsman.core.request import Effort, Operation, Subject
from pointsman.core.signals import ClassifierOutcome


class Spoken(msgspec.Struct, frozen=True):
    """What a model server says of its answer, beside the answer: words from its own list, none of a text."""

    model: str = ""
    """As it calls its model."""
    reasons: tuple[str, ...] = ()
    """Why each choice ended."""


class AttemptRecord(msgspec.Struct, frozen=True):
    """One try of one candidate."""

    backend: str
    outcome: str
    """"Answered", a trigger, or "Rejected" for a failure that no other candidate can mend."""
    seconds: float
    usage: Usage = Usage()
    """A failed attempt may have used something too: a refusal does."""
    cost: int = 0
    """Picos."""
    model: str = ""
    """As its model server knows it."""


class GenerationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one request."""

    id: str
    started: float
    """Epoch seconds."""
    seconds: float
    """From arrival to the end of the answer."""
    first_token: float | None = None
    """Seconds from sending the attempt that answered to its first content, of a stream; else None."""
    operation: Operation
    stream: bool
    subject: Subject
    model: str
    """The name asked for, or "unknown" when nothing has that name (clients send anything)."""
    policy: str | None = None
    route: str | None = None
    mode: str | None = None
    backend: str | None = None
    """Who answered; None when nobody did."""
    effort: Effort | None = None
    classifier: ClassifierOutcome = ClassifierOutcome.NOT_NEEDED
    downgraded: str | None = None
    attempts: tuple[AttemptRecord, ...] = ()
    usage: Usage = Usage()
    """Of the attempt that answered."""
    spoken: Spoken = Spoken()
    cost: int = 0
    """Of all attempts, in picos."""
    outcome: str
    """"Clean", how a stream ended otherwise, or an error's code."""


class Recorder(Protocol):
    """Takes finished requests; must not block and must not fail a request."""

    def write(self, record: GenerationRecord) -> None:
        """Take one record."""

    def turned_away(self, code: str) -> None:
        """Count a request that was malformed or had no valid key."""


class Recorders:
    """Several, told one after the other."""

    def __init__(self, *recorders: Recorder) -> None:
        self._recorders = recorders

    def write(self, record: GenerationRecord) -> None:
        """Take one record."""
        for recorder in self._recorders:
            recorder.write(record)

    def turned_away(self, code: str) -> None:
        """Count a request that was malformed or had no valid key."""
        for recorder in self._recorders:
            recorder.turned_away(code)
