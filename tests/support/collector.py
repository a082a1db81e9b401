"""An OTLP collector of one page: a real gRPC server that keeps the spans and metrics that it is sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio
import msgspec
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_rpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_rpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage


class Seen(msgspec.Struct):
    """One span as it arrived."""

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    error: bool
    message: str
    started: int
    ended: int
    links: list[str]
    service: str


class Collector:
    """What has arrived."""

    def __init__(self) -> None:
        self.spans: list[Seen] = []
        self.metrics: dict[str, list[dict[str, Any]]] = {}
        """By name, each point's attributes with its `count` and `sum`."""
        self.raw = b""
        """All that arrived, to look for what must not."""
        self.address = ""

    async def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        self.raw += request.SerializeToString()
        if isinstance(request, trace_pb.ExportTraceServiceRequest):
            self._take_spans(request)
            return trace_pb.ExportTraceServiceResponse()
        self._take_metrics(request)
        return metrics_pb.ExportMetricsServiceResponse()

    def named(self, name: str) -> list[Seen]:
        """In the order of their start."""
        return sorted((span for span in self.spans if span.name == name), key=lambda span: span.started)

    def one(self, name: str) -> Seen:
        found = self.named(name)
        assert len(found) == 1, [span.name for span in self.spans]
        return found[0]

    def beneath(self, parent: Seen) -> list[str]:
        """Names of a span's children, in the order of their start."""
        children = [span for span in self.spans if span.parent == parent.id and span.trace == parent.trace]
        return [span.name for span in sorted(children, key=lambda span: span.started)]

    def _take_spans(self, request: trace_pb.ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            service = _attributes(resource.resource.attributes).get("service.name", "")
            self.spans += [_seen(span, service) for scope in resource.scope_spans for span in scope.spans]

    def _take_metrics(self, request: metrics_pb.ExportMetricsServiceRequest) -> None:
        for resource in request.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    points = metric.histogram.data_points
                    self.metrics[metric.name] = [
                        {**_attributes(point.attributes), "count": point.count, "sum": point.sum} for point in points
                    ]


def _seen(span: SpanMessage, service: str) -> Seen:
    return Seen(
        name=span.name,
        kind=SpanMessage.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes=_attributes(span.attributes),
        error=span.status.code == 2,
        message=span.status.message,
        started=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        links=[link.span_id.hex() for link in span.links],
        service=service,
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind) if kind else None


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector on a free port of this machine."""
    collector = Collector()
    server = grpc.aio.server()
    trace_rpc.add_TraceServiceServicer_to_server(collector, server)
    metrics_rpc.add_MetricsServiceServicer_to_server(collector, server)
    collector.address = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield collector
    finally:
        await server.stop(1)


def environment(address: str, **more: str) -> dict[str, str]:
    """Variables that have a process send to it, soon."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": address,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
        **more,
    }
