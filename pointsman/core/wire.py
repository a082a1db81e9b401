"""Snapshots as they travel and as they rest on disk.

A manifest says what a snapshot consists of, by hash; bodies are the bytes behind the hashes. A receiver keeps the bytes
that it received, so that fields it does not know survive, and asks only for bodies whose hash is new to it.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from pointsman.core.canonical import Entry, Manifest, digest, sealed
from pointsman.core.errors import SnapshotError, UnknownFeature
from pointsman.core.features import FEATURES
from pointsman.core.memo import Memo
from pointsman.core.snapshot import Backend, Policy, Snapshot

_MAGIC = b"pointsman snapshot 1\n"
_HEADER = len(_MAGIC) + 64 + 1
_Compiled = TypeVar("_Compiled", Backend, Policy)


class Wire(msgspec.Struct, frozen=True):
    """A snapshot ready to travel."""

    manifest: Manifest
    bodies: Mapping[str, bytes]
    """Canonical JSON of every object, by its hash."""

    @property
    def version(self) -> str:
        """The snapshot's version."""
        return self.manifest.version


def encode(snapshot: Snapshot, memo: Memo | None = None) -> Wire:
    """The wire form of a snapshot; equal snapshots have equal wire forms. With the memo of its compilation, nothing is
    encoded twice."""
    memo = Memo() if memo is None else memo
    compiled: list[Backend | Policy] = [*snapshot.backends.values(), *snapshot.policies.values()]
    objects = [sealed(each, memo) for each in compiled]
    manifest = Manifest(tuple(sorted(snapshot.features)), tuple(sorted(each.entry for each in objects)))
    return Wire(manifest, {each.entry.hash: each.body for each in objects})


class Decoded(msgspec.Struct, frozen=True):
    """A snapshot, and its objects by the hashes of their content."""

    snapshot: Snapshot
    objects: Mapping[str, Backend | Policy]


def decode(wire: Wire, known_features: frozenset[str] = FEATURES) -> Snapshot:
    """The snapshot of a wire form; see `redecode`."""
    return redecode(wire, {}, known_features).snapshot


def redecode(wire: Wire, before: Mapping[str, Backend | Policy], known_features: frozenset[str] = FEATURES) -> Decoded:
    """The snapshot of a wire form, taking objects that were decoded `before` as they are.

    Raises UnknownFeature when it needs one that this version lacks, and SnapshotError when a body is missing, altered
    or malformed. Unknown fields, and objects of unknown kinds, are ignored.
    """
    unknown = sorted(set(wire.manifest.features) - known_features)
    if unknown:
        raise UnknownFeature(f"the snapshot needs what this version lacks: {', '.join(unknown)}; upgrade the router")
    backends = _objects(wire, "ModelBackend", Backend, before)
    policies = _objects(wire, "RoutingPolicy", Policy, before)
    snapshot = Snapshot(
        version=wire.version,
        features=frozenset(wire.manifest.features),
        backends={each.key: each for each in backends.values()},
        policies={each.key: each for each in policies.values()},
    )
    return Decoded(snapshot, {**backends, **policies})


def _objects(
    wire: Wire, kind: str, model: type[_Compiled], before: Mapping[str, Backend | Policy]
) -> dict[str, _Compiled]:
    """All objects of a kind, by hash."""
    decoder = msgspec.json.Decoder(model)
    objects = {}
    for wanted in wire.manifest.entries:
        if wanted.kind != kind:
            continue
        known = before.get(wanted.hash)
        objects[wanted.hash] = known if isinstance(known, model) else _decoded(decoder, wanted, wire.bodies)
    return objects


def _decoded(decoder: msgspec.json.Decoder[_Compiled], wanted: Entry, bodies: Mapping[str, bytes]) -> _Compiled:
    """One object, checked against its entry."""
    name = f"{wanted.kind} {wanted.namespace}/{wanted.name}"
    data = bodies.get(wanted.hash)
    if data is None:
        raise SnapshotError(f"{name}: its content is missing")
    if digest(data) != wanted.hash:
        raise SnapshotError(f"{name}: its content does not have the hash that the manifest says")
    try:
        compiled = decoder.decode(data)
    except msgspec.DecodeError as error:
        raise SnapshotError(f"{name}: its content cannot be read: {error}") from None
    if (compiled.namespace, compiled.name) != (wanted.namespace, wanted.name):
        raise SnapshotError(f"{name}: its content is that of {compiled.key}")
    return compiled


def dumps(wire: Wire) -> bytes:
    """One file, with a checksum over its content."""
    content = msgspec.msgpack.encode(wire, order="deterministic")
    return _MAGIC + digest(content).encode() + b"\n" + content


def loads(data: bytes) -> Wire:
    """The wire form in a file; raises SnapshotError when the file is cut short, altered or no snapshot."""
    if not data.startswith(_MAGIC):
        raise SnapshotError("this is not a snapshot file, or one of another version")
    content = data[_HEADER:]
    if data[len(_MAGIC) : _HEADER] != digest(content).encode() + b"\n":
        raise SnapshotError("the snapshot file is damaged: its checksum does not fit its content")
    try:
        return msgspec.msgpack.decode(content, type=Wire)
    except msgspec.DecodeError as error:
        raise SnapshotError(f"the snapshot file cannot be read: {error}") from None
