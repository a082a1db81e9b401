"""What is told to a callee of the trace."""

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from pointsman.runtime.telemetry.context import headers_of, outgoing


@pytest.mark.parametrize(("flags", "told"), [(1, True), (0, False)])
def test_triton_hears_of_sampled_spans_only(flags: int, told: bool) -> None:
    span = NonRecordingSpan(SpanContext(0xA1, 0xB2, is_remote=False, trace_flags=TraceFlags(flags)))
    with trace.use_span(span):
        assert outgoing() == (headers_of(span.get_span_context()) if told else {})
    assert outgoing() == {}
