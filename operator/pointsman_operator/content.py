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

    def __repr__(self) -> str:
        return f"Content(version={self.wire.version!r})"

    def same_as(self, other: "Content") -> bool:
        """Whether a router that has one needs nothing of the other."""
        return (
            self.wire.version == other.wire.version
            and self.revision == other.revision
            and {key: each.hash for key, each in self.endpoints.items()}
            == {key: each.hash for key, each in other.endpoints.items()}
        )


class Held(msgspec.Struct, frozen=True):
    """What a router has in force, by the names of its contents."""

    snapshot: str = ""
    objects: Mapping[Name, str] = {}
    endpoints: Mapping[str, str] = {}
    credentials: str = ""


def held_of(content: Content) -> Held:
    """What a router has that has this content in force."""
    return Held(
        content.wire.version,
        {(each.kind, each.namespace, each.name): each.hash for each in content.wire.manifest.entries},
        {key: each.hash for key, each in content.endpoints.items()},
        content.revision,
    )


def content_of(world: World) -> Content:
    """The content of a world."""
    endpoints = {
        key: BackendEndpoints(found.endpoints, digest(encode(found.endpoints))[:16])
        for key, found in world.endpoints.items()
    }
    return Content(world.wire, endpoints, world.credentials, _revision(world), world.keys)


def _revision(world: World) -> str:
    """Changes with any value."""
    rows = sorted((key.namespace, key.name, key.key, value) for key, value in world.credentials.items())
    return hashlib.blake2b(msgspec.json.encode((rows, world.keys)), key=_SALT, digest_size=16).hexdigest()
