"""Spans that are the current one while a block runs, and a request that is not sampled."""

from collections.abc import Mapping
from contextvars import Token
from typing import Self

from opentelemetry import context as contexts
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode

from pointsman.core.endpoints import Endpoint
from pointsman.runtime.telemetry import conventions as names
from pointsman.runtime.telemetry.context import headers_of
from router_svc import spans

ERROR = Status(StatusCode.ERROR)


class Current:
    """A span that is the current one while its block runs."""

    __slots__ = ("_context", "_span", "_token")
    _token: Token[Context]

    def __init__(self, span: Span, context: Context) -> None:
        self._span, self._context = span, context

    def __enter__(self) -> Self:
        self._token = contexts.attach(self._context)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        contexts.detach(self._token)
        if kind is not None and issubclass(kind, Exception):  # a client that leaves is no error
            fail(self._span, kind.__name__)
        self._span.end()


class Unsampled(Current, spans.Trace):
    """A request whose context goes on, and nothing else of it."""

    __slots__ = ()

    def calling(self, endpoint: Endpoint, path: str) -> spans.Call:
        """Only the headers."""
        return Passing(headers_of(self._span.get_span_context()))


class Passing(spans.Call):
    """An attempt without a span."""

    __slots__ = ("headers",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers


def fail(span: Span, error: str, message: str = "") -> None:
    """Mark a span as failed, by a word and perhaps a sentence, neither with text of a request."""
    span.set_attribute(names.ERROR_TYPE, error)
    span.set_status(Status(StatusCode.ERROR, message) if message else ERROR)
