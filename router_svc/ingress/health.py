"""Whether this router would answer a request, and how what it depends on is doing.

Losing a dependency never makes a router unready by itself, except one without which nothing can be answered
(`required`): the others each have a documented fallback, and show here, in a metric and in the trace.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from pointsman.runtime.drain import Phase


class DependencyState(StrEnum):
    """How a dependency is doing."""

    READY = "Ready"
    DEGRADED = "Degraded"
    LOST = "Lost"


class Dependency(msgspec.Struct, frozen=True):
    """One thing that the router depends on."""

    state: DependencyState
    detail: str = ""
    """What that means for requests, and what to do."""
    required: bool = False
    """Without it no request can be answered."""


class Health(msgspec.Struct, frozen=True):
    """The state of a router at one moment."""

    phase: Phase
    dependencies: Mapping[str, Dependency] = {}

    @property
    def ready(self) -> bool:
        """Whether new requests should come here."""
        required = (dependency for dependency in self.dependencies.values() if dependency.required)
        return self.phase is Phase.READY and all(need.state is not DependencyState.LOST for need in required)

    def render(self) -> bytes:
        """As JSON, for /readyz."""
        return msgspec.json.encode({"ready": self.ready, "phase": self.phase, "dependencies": self.dependencies})
