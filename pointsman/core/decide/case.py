"""What every rule of `decide` looks at."""

import msgspec

from pointsman.core.request import Effort, Request
from pointsman.core.resolve import Target
from pointsman.core.signals import Signals
from pointsman.core.snapshot import Objective, Preference, Route, Snapshot
from pointsman.core.state import BackendState, State

NO_STATE = BackendState()


class Case(msgspec.Struct, frozen=True):
    """One request with everything known about it."""

    snapshot: Snapshot
    request: Request
    signals: Signals
    state: State
    target: Target

    def backend_state(self, key: str) -> BackendState:
        """How a backend is doing; one that nobody knows has no endpoints."""
        return self.state.backends.get(key, NO_STATE)


class Tier(msgspec.Struct, frozen=True):
    """One list of preferred backends; a later tier is a fallback of the earlier ones."""

    name: str
    preferences: tuple[Preference, ...]
    route: Route | None = None
    """Whose selector holds in addition to that of the chosen route."""


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen before looking at single backends."""

    tiers: tuple[Tier, ...]
    route: Route | None = None
    """None for a pinned backend."""
    objective: Objective = Objective()
    effort: Effort | None = None
    """The effort asked for, before it is mapped to what a backend knows."""
    mode: str | None = None
