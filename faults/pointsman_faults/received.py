"""What was received, as GET /requests shows it."""

from enum import StrEnum
from typing import Any

import msgspec
from aiohttp import web


class Outcome(StrEnum):
    """What became of a request."""

    OPEN = "Open"
    ANSWERED = "Answered"
    FAULTED = "Faulted"
    CANCELLED = "Cancelled"
    """The client left."""


class Received(msgspec.Struct, kw_only=True):
    """One request."""

    at: float
    """Epoch seconds."""
    path: str
    model: str | None
    stream: bool
    headers: dict[str, str]
    """Names in lower case; `authorization` is masked unless bodies are kept."""
    body_bytes: int
    body: str | None = None
    """With --keep-bodies only: it is private text."""
    outcome: Outcome = Outcome.OPEN


def receive(request: web.Request, asked: dict[str, Any], body: bytes, now: float, *, keep_body: bool) -> Received:
    """What is remembered of a request. `now` is in epoch seconds."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    if "authorization" in headers and not keep_body:
        headers["authorization"] = "***"
    model = asked.get("model")
    return Received(
        at=now,
        path=request.path,
        model=model if isinstance(model, str) else None,
        stream=bool(asked.get("stream")),
        headers=headers,
        body_bytes=len(body),
        body=body.decode("utf-8", "replace") if keep_body else None,
    )
