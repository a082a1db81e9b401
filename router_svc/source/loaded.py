"""What a source gives a router: a snapshot, and beside it the endpoints and credentials that travel apart from it."""

from collections.abc import Mapping

import msgspec

from pointsman.core.compile import Verdict
from pointsman.core.problems import Problem
from pointsman.core.snapshot import SecretKey, Snapshot
from router_svc.exchange import Endpoint


class Loaded(msgspec.Struct, frozen=True):
    """One reading of a source."""

    snapshot: Snapshot
    endpoints: Mapping[str, tuple[Endpoint, ...]] = {}
    """By backend key."""
    credentials: Mapping[SecretKey, str] = {}
    """Bearer tokens; never shown."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the source, in words for a log."""
    verdicts: tuple[Verdict, ...] = ()
    keys: str | None = None
    """The client API keys, as a key file; None when the source has none to say. Never shown."""

    api_server: tuple[str, ...] = ()
    """Addresses of the API server, as the source knows them."""

    def __repr__(self) -> str:
        return f"Loaded(snapshot={self.snapshot.version!r}, problems={len(self.problems)})"
