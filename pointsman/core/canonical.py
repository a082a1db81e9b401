"""One sequence of bytes for equal content: sorted keys, sorted sets, every default written out.

Defaults are written out so that a router of another version, with another default, reads what the compiler meant.
"""

import hashlib

import msgspec

from pointsman.core.features import needed_by
from pointsman.core.snapshot import Backend, Policy, Snapshot

_ENCODER = msgspec.json.Encoder(order="sorted")


class Entry(msgspec.Struct, frozen=True, order=True):
    """One object of a snapshot."""

    kind: str
    namespace: str
    name: str
    hash: str
    """SHA-256 of its canonical JSON, in hex."""


class Manifest(msgspec.Struct, frozen=True):
    """What a snapshot consists of; its hash is the snapshot's version."""

    features: tuple[str, ...]
    """Sorted."""
    entries: tuple[Entry, ...]
    """Sorted."""

    @property
    def version(self) -> str:
        """SHA-256 of the canonical JSON of the manifest, in hex."""
        return digest(encode(self))


def encode(value: object) -> bytes:
    """The canonical JSON."""
    return _ENCODER.encode(value)


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def entry(compiled: Backend | Policy, data: bytes) -> Entry:
    """The manifest's entry of an object with this canonical JSON."""
    kind = "ModelBackend" if isinstance(compiled, Backend) else "RoutingPolicy"
    return Entry(kind, compiled.namespace, compiled.name, digest(data))


def seal(backends: list[Backend], policies: list[Policy]) -> Snapshot:
    """A snapshot of these objects, named by its content."""
    objects: list[Backend | Policy] = [*backends, *policies]
    features = frozenset(feature for compiled in objects for feature in needed_by(compiled))
    manifest = Manifest(tuple(sorted(features)), tuple(sorted(entry(each, encode(each)) for each in objects)))
    return Snapshot(
        version=manifest.version,
        features=features,
        backends={backend.key: backend for backend in sorted(backends, key=lambda each: each.key)},
        policies={policy.key: policy for policy in sorted(policies, key=lambda each: each.key)},
    )
