"""Errors as clients see them: one table from the error's class to the statuses of HTTP and gRPC, and OpenAI's body."""

import math
from collections.abc import Mapping

import msgspec

from pointsman.core import errors
from pointsman.core.errors import RequestError
from pointsman.core.plan import Refusal, RefusalKind


class Status(msgspec.Struct, frozen=True):
    """What one class of errors is, in both protocols."""

    http: int
    grpc: str
    """Name of a `grpc.StatusCode`."""


STATUSES: Mapping[type[RequestError], Status] = {
    errors.InvalidRequest: Status(400, "INVALID_ARGUMENT"),
    errors.Unauthenticated: Status(401, "UNAUTHENTICATED"),
    errors.Forbidden: Status(403, "PERMISSION_DENIED"),
    errors.UnknownModel: Status(404, "NOT_FOUND"),
    errors.TooLarge: Status(413, "RESOURCE_EXHAUSTED"),
    errors.QuotaExceeded: Status(429, "RESOURCE_EXHAUSTED"),
    errors.RequestError: Status(500, "INTERNAL"),
    errors.Unsupported: Status(501, "UNIMPLEMENTED"),
    errors.UpstreamFailed: Status(502, "UNAVAILABLE"),
    errors.UpstreamLimited: Status(429, "RESOURCE_EXHAUSTED"),
    errors.UpstreamBusy: Status(503, "UNAVAILABLE"),
    errors.UpstreamTimedOut: Status(504, "DEADLINE_EXCEEDED"),
    errors.NoCandidate: Status(503, "UNAVAILABLE"),
    errors.Overloaded: Status(503, "UNAVAILABLE"),
}

_GRPC_BY_HTTP = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "RESOURCE_EXHAUSTED",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    504: "DEADLINE_EXCEEDED",
}

_REFUSALS: Mapping[RefusalKind, type[RequestError]] = {
    RefusalKind.UNKNOWN_MODEL: errors.UnknownModel,
    RefusalKind.FORBIDDEN: errors.Forbidden,
    RefusalKind.QUOTA_EXCEEDED: errors.QuotaExceeded,
    RefusalKind.NO_CANDIDATE: errors.NoCandidate,
    RefusalKind.CLASSIFIER: errors.NoCandidate,
    RefusalKind.INVALID: errors.InvalidRequest,
}

_LONGEST_MESSAGE = 4000
"""Characters: a list of all models can be long."""


def status(error: RequestError) -> Status:
    """The statuses of an error: those of its class, or of the nearest class above it."""
    return next(STATUSES[cls] for cls in type(error).__mro__ if cls in STATUSES)


def grpc_status(http_status: int) -> str:
    """Name of the gRPC status for an error that a model server answered over HTTP."""
    return _GRPC_BY_HTTP.get(http_status, "INVALID_ARGUMENT" if http_status < 500 else "UNAVAILABLE")


def headers(error: RequestError) -> dict[str, str]:
    """The HTTP headers that belong to an error."""
    found = {}
    if error.retry_after is not None:
        found["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, errors.Unauthenticated):
        found["www-authenticate"] = "Bearer"
    return found


def body(error: RequestError, longest: int = _LONGEST_MESSAGE) -> bytes:
    """OpenAI's error body; a message of more than `longest` characters is cut."""
    fields = {"message": cut(error.message, longest), "type": error.kind, "param": error.param, "code": error.code}
    return msgspec.json.encode({"error": fields})


def cut(message: str, longest: int) -> str:
    """The message, at most so many characters of it."""
    return message if len(message) <= longest else message[: longest - 1] + "…"


def event(error: RequestError) -> bytes:
    """The server-sent event that ends a stream which failed after its first content; no [DONE] follows it."""
    return b"data: " + body(error) + b"\n\n"


def refused(refusal: Refusal) -> RequestError:
    """The error that a plan without candidates answers with."""
    param = "model" if refusal.kind is RefusalKind.UNKNOWN_MODEL else None
    return _REFUSALS[refusal.kind](
        refusal.message, code=refusal.code or None, param=param, retry_after=refusal.retry_after
    )
