"""State: a frozen view of what changes under a snapshot, read once per request."""

from collections.abc import Mapping

import msgspec

from pointsman.core.quota import Balance


class BackendState(msgspec.Struct, frozen=True):
    """How a backend is doing, as this router sees it."""

    endpoints: int = 0
    """Known endpoints."""
    available: int = 0
    """Endpoints that may be picked now (not ejected, cooling down or failing health checks)."""
    cooldown: float = 0.0
    """Seconds until a Retry-After of the backend has passed."""
    in_flight: int = 0
    first_token: float | None = None
    """Recent time to the first token, in seconds; None without recent measurements."""
    headroom: float = 1.0
    """Smallest share left of the backend's own limits, 0 to 1."""


class SessionState(msgspec.Struct, frozen=True):
    """What the last turn of this conversation was answered by."""

    route: str
    mode: str | None
    backend: str
    prefix_tokens: int
    """Tokens of prompt and answer that the backend may still have in its prefix cache."""


class State(msgspec.Struct, frozen=True):
    """Everything `decide` needs besides snapshot, request and signals."""

    now: float = 0.0
    """Epoch seconds."""
    backends: Mapping[str, BackendState] = {}
    """By backend key; a missing one has no endpoints."""
    balances: Mapping[str, Balance] = {}
    """What is left of the subject's quotas, by charge key; a missing one is untouched."""
    session: SessionState | None = None
