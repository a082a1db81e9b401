"""Traces and metrics by OpenTelemetry, for both planes; Prometheus metrics are apart from it (`metrics` of each plane).

- `conventions`: the name of every span, attribute and instrument, in one place
- `context`: the trace context that comes in and goes out
- `sdk`: what is sent, where and how, by the standard OTEL_* variables; nothing else imports the SDK

Without an endpoint or exporter in the environment all of it is off, and the SDK is not even imported. A collector that
is slow or gone costs requests nothing: spans wait in a bounded queue, and what does not fit is dropped.
"""

from pointsman.runtime.telemetry.context import current_ids, outgoing
from pointsman.runtime.telemetry.settings import OFF, Telemetry, from_environment

__all__ = ["OFF", "Telemetry", "current_ids", "from_environment", "outgoing"]
