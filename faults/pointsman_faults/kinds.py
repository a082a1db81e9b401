"""Everything that can go wrong. Each kind is named by `type` in JSON. Pure."""

from enum import StrEnum
from typing import Any

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """Base: an unknown field is an error that names it."""


class Fault(Part, frozen=True, kw_only=True, tag_field="type"):
    """Something that goes wrong. Each kind is named by `type`."""


class Status(Fault, frozen=True, kw_only=True):
    """Answers with an HTTP error."""

    status: int
    code: str | None = None
    """The error's `code`."""
    error_type: str = "server_error"
    """The error's `type`."""
    message: str = "scripted error"
    retry_after: float | str | None = None
    """Retry-After: seconds, or any text such as an HTTP date."""
    body: Any = None
    """Replaces the whole error body: text is sent as it is, anything else as JSON."""


class RateLimit(Fault, frozen=True, kw_only=True):
    """429, as for too many requests."""

    retry_after: float | None = None


class InsufficientQuota(Fault, frozen=True, kw_only=True):
    """429 with OpenAI's code insufficient_quota."""


class Overloaded(Fault, frozen=True, kw_only=True):
    """503, as from a server that is loading or full."""

    retry_after: float | None = None


class Dialect(StrEnum):
    """Whose wording is used."""

    OPENAI = "OpenAI"
    VLLM = "VLLM"
    LLAMA_CPP = "LlamaCpp"
    TGI = "TGI"


class ContextLength(Fault, frozen=True, kw_only=True):
    """400, as for a prompt that is too long, in the words of one server."""

    dialect: Dialect = Dialect.OPENAI


class Refusal(Fault, frozen=True, kw_only=True):
    """The content filter stops the answer before any content, or the model refuses by the field `refusal`."""

    structured: bool = False


class Cut(Fault, frozen=True, kw_only=True):
    """Ends the response after some tokens: no finish reason, no [DONE]. A JSON answer ends in the middle."""

    after_tokens: int = 3


class Reset(Fault, frozen=True, kw_only=True):
    """Resets the connection: before any answer, or after some tokens of a stream."""

    after_tokens: int | None = None


class Hang(Fault, frozen=True, kw_only=True):
    """Goes silent until the client leaves: before any answer, or after some tokens of a stream."""

    after_tokens: int | None = None


class Malformed(Fault, frozen=True, kw_only=True):
    """Sends an event, or a body, that is not JSON."""

    after_tokens: int = 0


class ErrorEvent(Fault, frozen=True, kw_only=True):
    """Sends an error inside a stream with status 200; for a JSON answer, as its body."""

    after_tokens: int = 0
    code: str | int | None = None
    message: str = "scripted error"
    named: bool = False
    """As `event: error`, rather than as data with a field `error`."""


class NoDone(Fault, frozen=True, kw_only=True):
    """Ends a stream after the finish reason, without [DONE]."""


AnyFault = (
    Status
    | RateLimit
    | InsufficientQuota
    | Overloaded
    | ContextLength
    | Refusal
    | Cut
    | Reset
    | Hang
    | Malformed
    | ErrorEvent
    | NoDone
)
