"""Trace context as W3C has it: read from what comes in, written onto what goes out.

A coroutine's current span is kept by OpenTelemetry in a context variable, which `asyncio.to_thread` hands on and an
executor does not: read `outgoing` before the work goes to one.
"""

from collections.abc import Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_TRACE, _BAGGAGE = TraceContextTextMapPropagator(), W3CBaggagePropagator()
_NOTHING: Mapping[str, str] = {}
_ROOT = Context()


def incoming(headers: Mapping[str, str]) -> Context:
    """The caller's context. A header that is malformed counts as none.

    `baggage` is read too, for samplers and processors that look at it; it goes no further, since it may hold anything.
    """
    context = _ROOT
    if "traceparent" in headers:
        context = _TRACE.extract(headers, context)
    if "baggage" in headers:
        context = _BAGGAGE.extract(headers, context)
    return context


def outgoing() -> Mapping[str, str]:
    """The headers (names in lower case) that tell Triton of the current span; none without one that is sampled.

    Triton records every trace that it is told of and heeds no sampling decision, so the decision is made here. A callee
    that heeds it is told by `headers_of`.
    """
    context = trace.get_current_span().get_span_context()
    return headers_of(context) if context.trace_flags.sampled else _NOTHING


def headers_of(context: SpanContext) -> Mapping[str, str]:
    """The headers that make a callee's span a child of this one."""
    if not context.is_valid:
        return _NOTHING
    headers = {"traceparent": f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"}
    if context.trace_state:
        headers["tracestate"] = context.trace_state.to_header()
    return headers


def current_ids() -> tuple[str, str] | None:
    """Trace and span of the current span, in hexadecimal, for a line of the log; None without one."""
    context: Any = trace.get_current_span().get_span_context()
    return (f"{context.trace_id:032x}", f"{context.span_id:016x}") if context.is_valid else None
