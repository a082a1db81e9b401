"""One sequence of bytes for equal content: sorted keys, sorted sets, every default written out.

Defaults are written out so that a router of another version, with another default, reads what the compiler meant.
"""

import hashlib
from functools import cached_property

import msgspec

from pointsman.core.features import needed_by
from pointsman.core.memo import Memo
from pointsman.core.snapshot import Backend, Policy, Snapshot

_ENCODER = msgspec.json.Encoder(order="sorted")


class Entry(msgspec.Struct, frozen=True, order=True):
    """One object of a snapshot."""

    kind: str
    namespace: str
    name: str
    hash: str
    """SHA-256 of its canonical JSON, in hex."""


class Manifest(msgspec.Struct, frozen=True, dict=True):
    """What a snapshot consists of; its hash is the snapshot's version."""

    features: tuple[str, ...]
    """Sorted."""
    entries: tuple[Entry, ...]
    """Sorted."""

    @cached_property
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


class Sealed(msgspec.Struct, frozen=True):
    """One compiled object, ready to travel."""

    entry: Entry
    body: bytes
    """The canonical JSON."""
    features: tuple[str, ...]
    """That a router must have to use it."""


def seal_object(compiled: Backend | Policy) -> Sealed:
    """The canonical form of one object."""
    body = encode(compiled)
    return Sealed(entry(compiled, body), body, tuple(needed_by(compiled)))


def sealed(compiled: Backend | Policy, memo: Memo) -> Sealed:
    """The same, of an object that may have been sealed before."""
    return memo(("sealed", type(compiled), compiled.namespace, compiled.name), seal_object, compiled)


def seal(backends: list[Backend], policies: list[Policy], memo: Memo | None = None) -> Snapshot:
    """A snapshot of these objects, named by its content."""
    memo = Memo() if memo is None else memo
    compiled: list[Backend | Policy] = [*backends, *policies]
    objects = [sealed(each, memo) for each in compiled]
    features = frozenset(feature for each in objects for feature in each.features)
    manifest = Manifest(tuple(sorted(features)), tuple(sorted(each.entry for each in objects)))
    return Snapshot(
        version=manifest.version,
        features=features,
        backends={backend.key: backend for backend in sorted(backends, key=lambda each: each.key)},
        policies={policy.key: policy for policy in sorted(policies, key=lambda each: each.key)},
    )
