"""The snapshot in force, with the endpoints and credentials beside it; swapped whole, never changed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from pointsman.core.snapshot import Backend, SecretKey, Snapshot
from router_svc.exchange import Endpoint
from router_svc.source.loaded import Loaded


class Preparing(Protocol):
    """Makes a snapshot usable before it is adopted."""

    async def prepare(self, snapshot: Snapshot) -> None:
        """Embed what its routes say."""


class EndpointTaker(Protocol):
    """Works with endpoints: the pool, the health checks."""

    def update(self, sets: Mapping[str, tuple[Endpoint, ...]], backends: Mapping[str, Backend]) -> None:
        """Endpoints by backend key."""


class Snapshots:
    """Adopts what a source loaded, once it is usable; until then the one before stays in force."""

    def __init__(self, preparing: Preparing, takers: Sequence[EndpointTaker], adopted: Callable[[str], None]) -> None:
        """`adopted` is told the version of each adopted snapshot."""
        self._preparing, self._takers, self._adopted = preparing, takers, adopted
        self._current = Snapshot(version="")
        self._credentials: Mapping[SecretKey, str] = {}
        self.api_server: tuple[str, ...] = ()
        """Where the API server is, as the source knows: never connected to."""

    @property
    def ready(self) -> bool:
        """Whether there is anything to answer by."""
        return bool(self._current.version)

    def current(self) -> Snapshot:
        """The newest usable snapshot; an empty one before the first."""
        return self._current

    def credential(self, key: SecretKey) -> str | None:
        """A backend's bearer token, if its Secret was found."""
        return self._credentials.get(key)

    async def adopt(self, loaded: Loaded) -> None:
        """Prepare it, then put it in force. Endpoints and credentials alone change without preparation."""
        if loaded.snapshot.version != self._current.version:
            await self._preparing.prepare(loaded.snapshot)
        self.api_server = loaded.api_server  # before any endpoint is connected to
        for taker in self._takers:
            taker.update(loaded.endpoints, loaded.snapshot.backends)
        self._credentials = loaded.credentials
        self._current = loaded.snapshot
        self._adopted(loaded.snapshot.version)
