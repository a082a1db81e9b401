"""Whether there is telemetry at all; only then the SDK is loaded."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Tracer

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SIGNALS = ("TRACES", "METRICS")


class Telemetry(Protocol):
    """What a process measures itself with."""

    @property
    def tracer(self) -> "Tracer | None":
        """Makes spans; None where traces are off."""

    @property
    def meter(self) -> "Meter | None":
        """Makes instruments; None where metrics over OTLP are off."""

    @property
    def trouble(self) -> str:
        """Why what was sent last did not arrive; empty when all is well. Requests do not depend on it."""

    def lost(self) -> int:
        """Spans that could not be delivered since the start."""

    def close(self) -> None:
        """Send what is left, for a few seconds at most, and end."""


class _Off:
    tracer = None
    meter = None
    trouble = ""

    def lost(self) -> int:
        return 0

    def close(self) -> None:
        return


OFF: Telemetry = _Off()
"""No telemetry."""


def from_environment(service: str, environment: Mapping[str, str] = os.environ) -> Telemetry:
    """Telemetry as OTEL_* variables ask for it. Raises ConfigError for one that names what is not there.

    A signal is on where OTEL_<SIGNAL>_EXPORTER names an exporter, or where it names none and an OTLP endpoint is set.
    `service` is the name where OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES give none. Call it after the last fork.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return OFF
    wanted = {signal: exporters(signal, environment) for signal in SIGNALS}
    if not any(wanted.values()):
        return OFF
    from pointsman.runtime.telemetry.sdk import Sdk

    return Sdk(service, wanted["TRACES"], wanted["METRICS"])


def exporters(signal: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the exporters of a signal, as the environment gives them; none where it is off."""
    named = environment.get(f"OTEL_{signal}_EXPORTER", "").strip().lower()
    if named:
        return tuple(name.strip() for name in named.split(",") if name.strip() not in ("", "none"))
    at = environment.get(_ENDPOINT) or environment.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return ("otlp",) if at else ()
