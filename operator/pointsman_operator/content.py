"""A world as routers are given it: objects, endpoints and credentials, each with a name for its content."""

import hashlib
import secrets
from collections.abc import Mapping

import msgspec

from pointsman.core.canonical import digest, encode
from pointsman.core.endpoints import Endpoint
from pointsman.core.snapshot import SecretKey
from pointsman.core.wire import Wire
from pointsman.runtime.messages import Name
from pointsman_operator.world import World

_SALT = secrets.token_bytes(32)
"""Of this process: the revision of credentials must say nothing of them, not even to who can guess."""


class BackendEndpoints(msgspec.Struct, frozen=True):
    """Where one backend is reached."""

    endpoints: tuple[Endpoint, ...]
    hash: str


class Content(msgspec.Struct, frozen=True):
    """Everything that a router needs."""

    wire: Wire
    endpoints: Mapping[str, BackendEndpoints]
    """By backend key."""
    credentials: Mapping[SecretKey, str]
    revision: str
    """Names the credentials and keys."""
    keys: str | None = None
    """The client API keys, as a key file."""
    api_server: tuple[str, ...] = ()
    """Addresses that no router may connect to."""

    def __repr__(self) -> str:
        return f"Content(version={self.wire.version!r})"

    def same_as(self, other: "Content") -> bool:
        """Whether a router that has one needs nothing of the other."""
        return (
            self.wire.version == other.wire.version
            and self.revision == other.revision
            and self.api_server == other.api_server
            and self.endpoints == other.endpoints
        )


class Held(msgspec.Struct, frozen=True):
    """What a router has in force, by the names of its contents."""

    snapshot: str = ""
    objects: Mapping[Name, str] = {}
    endpoints: Mapping[str, str] = {}
    credentials: str = ""
    api_server: tuple[str, ...] = ()


def held_of(content: Content, before: Held | None = None) -> Held:
    """What a router has that has this content in force. What is as it was in `before` is the very same value: who holds
    it is then told apart by a look at its address."""
    same = before is not None and before.snapshot == content.wire.version
    return Held(
        content.wire.version,
        before.objects
        if before is not None and same
        else {(each.kind, each.namespace, each.name): each.hash for each in content.wire.manifest.entries},
        {key: each.hash for key, each in content.endpoints.items()},
        content.revision,
        content.api_server,
    )


def content_of(world: World, before: Content | None = None) -> Content:
    """The content of a world; what is as it was in `before` is not named again."""
    known = before.endpoints if before is not None else {}
    endpoints = {key: _named(found.endpoints, known.get(key)) for key, found in world.endpoints.items()}
    return Content(world.wire, endpoints, world.credentials, _revision(world), world.keys, world.api_server)


def _named(endpoints: tuple[Endpoint, ...], before: BackendEndpoints | None) -> BackendEndpoints:
    if before is not None and before.endpoints == endpoints:
        return before
    return BackendEndpoints(endpoints, digest(encode(endpoints))[:16])


def _revision(world: World) -> str:
    """Changes with any value."""
    rows = sorted((key.namespace, key.name, key.key, value) for key, value in world.credentials.items())
    return hashlib.blake2b(msgspec.json.encode((rows, world.keys)), key=_SALT, digest_size=16).hexdigest()
