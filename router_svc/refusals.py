"""What a client is told when its request was tried, and no candidate answered."""

from collections.abc import Mapping, Sequence

import msgspec

from pointsman.core.errors import (
    InvalidRequest,
    QuotaExceeded,
    RequestError,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamTimedOut,
)
from pointsman.core.resources.policy import Trigger
from router_svc.exchange import Denied, Failure


class Note(msgspec.Struct, frozen=True):
    """What became of one candidate."""

    backend: str
    failure: Failure
    seconds: float = 0.0
    cost: int = 0
    """Picos, for what a failed attempt used all the same."""
    called: bool = True
    """A model server was asked; not so when the backend's limits were reached."""


def calls(notes: Sequence[Note]) -> int:
    """How often a model server was asked in vain."""
    return sum(note.called for note in notes)


def as_failure(denied: Denied) -> Failure:
    """A backend's spent limit, as the failure that the next candidate may mend."""
    return Failure(
        trigger=Trigger.QUOTA_EXHAUSTED,
        message=f"its limit {denied.charge.name} is reached",
        retry_after=denied.balance.resets_after,
        endpoint_fault=False,
    )


def subject_denied(denied: Denied) -> QuotaExceeded:
    """Other requests kept taking what was left of a quota between decision and admission."""
    return QuotaExceeded(f"quota {denied.charge.name!r} is spent", retry_after=denied.balance.resets_after)


_ERRORS: Mapping[Trigger | None, tuple[type[RequestError], str]] = {
    Trigger.RATE_LIMITED: (UpstreamLimited, "upstream_rate_limited"),
    Trigger.QUOTA_EXHAUSTED: (UpstreamLimited, "upstream_limit_reached"),
    Trigger.OVERLOADED: (UpstreamBusy, "upstream_overloaded"),
    Trigger.TIMEOUT: (UpstreamTimedOut, "upstream_timeout"),
    Trigger.SERVER_ERROR: (UpstreamFailed, "upstream_error"),
    Trigger.CONNECT_ERROR: (UpstreamFailed, "upstream_unreachable"),
    Trigger.REFUSAL: (UpstreamFailed, "upstream_refused"),
    Trigger.CONTEXT_LENGTH: (InvalidRequest, "context_length_exceeded"),
    None: (UpstreamFailed, "upstream_rejected"),
}
"""By the last failure: what the client can do about it differs."""


def all_failed(notes: Sequence[Note]) -> RequestError:
    """Name each attempt; the last failure gives the error's class and code, and the soonest Retry-After counts."""
    tried = "; ".join(f"{note.backend}: {note.failure.trigger or 'Rejected'}, {note.failure.message}" for note in notes)
    waits = [note.failure.retry_after for note in notes if note.failure.retry_after is not None]
    error, code = _ERRORS[notes[-1].failure.trigger]
    return error(f"no backend answered ({tried})", code=code, retry_after=min(waits, default=None))
