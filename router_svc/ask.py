"""One request, read and understood, under the one snapshot that it is answered by."""

import msgspec

from pointsman.core.plan import Candidate, Plan
from pointsman.core.quota import Usage
from pointsman.core.request import Request
from pointsman.core.resolve import Target
from pointsman.core.signals import Signals
from pointsman.core.snapshot import Snapshot
from pointsman.core.state import SessionState
from router_svc.exchange import Body, Incoming
from router_svc.record import AttemptRecord, GenerationRecord, Spoken
from router_svc.refusals import Note
from router_svc.spans import Trace

EXPLAIN_HEADER = "x-pointsman-explain"
SESSION_HEADER = "x-pointsman-session"


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What every later step of the pipeline needs of a request."""

    incoming: Incoming
    snapshot: Snapshot
    body: Body
    request: Request
    target: Target | None
    """None when nothing has the model's name."""
    session: SessionState | None
    signals: Signals
    started: float
    """Epoch seconds."""
    arrived: float
    """Monotonic seconds."""

    @property
    def trace(self) -> Trace:
        """What tells of this request while it goes on."""
        return self.incoming.trace

    @property
    def explain(self) -> bool:
        """Whether the client wants the plan in the body."""
        return self.incoming.headers.get(EXPLAIN_HEADER, "").lower() in ("true", "1")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a request ended."""

    said: str
    """"Clean", how a stream ended otherwise, or an error's code."""
    candidate: Candidate | None = None
    """Who answered."""
    usage: Usage = Usage()
    cost: int = 0
    """Picos."""
    seconds: float = 0.0
    """That the answering attempt took."""
    first_token: float | None = None
    """Seconds from the attempt's start."""
    spoken: Spoken = Spoken()


def record(ask: Ask, plan: Plan, notes: tuple[Note, ...], outcome: Outcome, now: float) -> GenerationRecord:
    """The metadata of a request that has ended at `now` (monotonic seconds)."""
    backends = ask.snapshot.backends
    attempts = tuple(
        AttemptRecord(
            note.backend,
            str(note.failure.trigger or "Rejected"),
            note.seconds,
            note.failure.usage,
            note.cost,
            backends[note.backend].model,
        )
        for note in notes
    )
    if outcome.candidate is not None:
        key = outcome.candidate.backend
        answered = AttemptRecord(key, "Answered", outcome.seconds, outcome.usage, outcome.cost, backends[key].model)
        attempts = (*attempts, answered)
    return GenerationRecord(
        id=plan.id,
        started=ask.started,
        seconds=now - ask.arrived,
        first_token=outcome.first_token,
        operation=ask.request.operation,
        stream=ask.request.stream,
        subject=ask.request.subject,
        model=ask.request.model if ask.target is not None else "unknown",
        policy=plan.policy,
        route=plan.route,
        mode=plan.mode,
        backend=outcome.candidate.backend if outcome.candidate is not None else None,
        effort=outcome.candidate.effort if outcome.candidate is not None else None,
        classifier=ask.signals.classifier,
        downgraded=plan.downgraded,
        attempts=attempts,
        usage=outcome.usage,
        spoken=outcome.spoken,
        cost=sum(attempt.cost for attempt in attempts),
        outcome=outcome.said,
    )
