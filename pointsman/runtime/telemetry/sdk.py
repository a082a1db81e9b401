"""The SDK, set up by the standard OTEL_* variables. Nothing else in Pointsman imports `opentelemetry.sdk`.

Sampler, queue, delays, resource, endpoint, headers and certificates are the SDK's own to read. What is done here is
what it leaves open: which exporters there are, and an end that does not wait for a collector that is gone.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Any

from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Tracer

from pointsman import __version__
from pointsman.core.errors import ConfigError
from pointsman.runtime.telemetry.conventions import SCHEMA_URL, SCOPE

CLOSE_SECONDS = 3.0
"""For what is left at the end; a pod's drain must not wait for a collector."""

_PROTOCOLS = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}


class Sdk:
    """A `Telemetry` that is on."""

    def __init__(self, service: str, traces: Sequence[str], metrics: Sequence[str]) -> None:
        """Names of exporters, of which either may be none. Starts their threads."""
        resource = _resource(service)
        self._closing: list[Callable[[], object]] = []
        self._delivery = Delivery()
        self.tracer = self._tracer(resource, traces) if traces else None
        self.meter = self._meter(resource, metrics) if metrics else None

    @property
    def trouble(self) -> str:
        """Why the last spans did not arrive."""
        return self._delivery.trouble

    def lost(self) -> int:
        """Spans that did not arrive."""
        return self._delivery.lost

    def close(self) -> None:
        """Send what is left; give up after `CLOSE_SECONDS`."""
        ending = [threading.Thread(target=close, name="telemetry-close", daemon=True) for close in self._closing]
        for thread in ending:
            thread.start()
        end = time.monotonic() + CLOSE_SECONDS
        for thread in ending:
            thread.join(max(0.0, end - time.monotonic()))

    def _tracer(self, resource: Resource, names: Sequence[str]) -> Tracer:
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        for name in names:
            exporter = _exporter("traces", name)
            provider.add_span_processor(BatchSpanProcessor(_Watched(exporter, self._delivery)))
        self._closing.append(provider.shutdown)
        return provider.get_tracer(SCOPE, __version__, schema_url=SCHEMA_URL)

    def _meter(self, resource: Resource, names: Sequence[str]) -> Meter:
        readers = [PeriodicExportingMetricReader(_exporter("metrics", name)) for name in names]
        provider = MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)
        self._closing.append(provider.shutdown)
        return provider.get_meter(SCOPE, __version__, schema_url=SCHEMA_URL)


class Delivery:
    """How sending goes."""

    def __init__(self) -> None:
        self.lost = 0
        self.trouble = ""


class _Watched(SpanExporter):
    """An exporter whose failures are counted."""

    def __init__(self, inner: SpanExporter, delivery: Delivery) -> None:
        self._inner, self._delivery = inner, delivery

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send; called by the processor's own thread."""
        result = self._inner.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._delivery.trouble = ""
        else:
            self._delivery.lost += len(spans)
            self._delivery.trouble = "the collector did not take the last spans"
        return result

    def shutdown(self) -> None:
        """End."""
        self._inner.shutdown()


def _resource(service: str) -> Resource:
    """What the environment says; where it names no service, ours."""
    said = Resource({"service.version": __version__}).merge(Resource.create())
    unnamed = str(said.attributes["service.name"]).startswith("unknown_service")
    return said.merge(Resource({"service.name": service})) if unnamed else said


def _exporter(signal: str, name: str) -> Any:
    """A new exporter. Raises ConfigError when none of this name is installed, or it cannot be set up."""
    if name == "otlp":
        protocol = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL")
        protocol = (protocol or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") or "grpc").strip()
        if protocol not in _PROTOCOLS:
            raise ConfigError(f"OTEL_EXPORTER_OTLP_PROTOCOL: is {protocol!r}; use {' or '.join(_PROTOCOLS)}")
        name = _PROTOCOLS[protocol]
    found = next(iter(entry_points(group=f"opentelemetry_{signal}_exporter", name=name)), None)
    if found is None:
        raise ConfigError(f"OTEL_{signal.upper()}_EXPORTER: there is no exporter {name!r}; use otlp, console or none")
    try:
        return found.load()()
    except (ValueError, OSError) as error:
        raise ConfigError(f"OTEL_EXPORTER_OTLP_*: {error}") from error
