"""A request's spans, as OpenTelemetry has them; names and attributes are in `pointsman.runtime.telemetry.conventions`.

    SERVER   POST /v1/chat/completions
    ├─ classify
    ├─ decide
    ├─ CLIENT  chat MODEL           one for each candidate that was tried, to the end of its answer
    │  └─ CLIENT  POST              one for each attempt; its context goes to the model server
    └─ CLIENT  chat MODEL

A request that is not sampled has the first span only, in name: its context goes on, so that model servers do not sample
it either. No span holds text of a request or an answer, nor an exception's message.
"""

from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Tracer

from pointsman.runtime.telemetry import conventions as names
from pointsman.runtime.telemetry.context import incoming
from router_svc import spans
from router_svc.tracing.attributes import Attributes
from router_svc.tracing.current import Unsampled
from router_svc.tracing.sampled import Sampled

__all__ = ["OpenTelemetry"]


class OpenTelemetry:
    """A `Tracing` that makes spans."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def http(self, path: str, headers: Mapping[str, str]) -> spans.Trace:
        """A span of an HTTP request; `path` is one of ours, so it is its own route."""
        attributes: Attributes = {
            names.HTTP_METHOD: "POST",
            names.HTTP_ROUTE: path,
            names.URL_PATH: path,
            names.URL_SCHEME: "http",
        }
        return self._begin(f"POST {path}", headers, attributes)

    def grpc(self, method: str, headers: Mapping[str, str]) -> spans.Trace:
        """A span of a gRPC call."""
        return self._begin(method, headers, {names.RPC_SYSTEM: "grpc", names.RPC_METHOD: method})

    def _begin(self, name: str, headers: Mapping[str, str], attributes: Attributes) -> spans.Trace:
        context = incoming(headers)
        span = self._tracer.start_span(name, context, SpanKind.SERVER, attributes)
        here = trace.set_span_in_context(span, context)
        return Sampled(self._tracer, span, here) if span.is_recording() else Unsampled(span, here)
