"""What a router has from the control plane, and what an update makes of it. Pure; the bytes stay as they came.

Every check of the protocol is here: order, hashes, completeness, features. What fails one changes nothing.
"""

from collections.abc import Mapping

import msgspec

from pointsman.core.canonical import Entry, Manifest, digest
from pointsman.core.endpoints import Endpoint
from pointsman.core.errors import SnapshotError, UnknownFeature
from pointsman.core.snapshot import SecretKey
from pointsman.core.wire import Decoded, Wire, redecode
from pointsman.runtime.messages import Name, credentials_of, endpoint_of, name_of
from pointsman.v1 import snapshot_stream_pb2 as pb
from router_svc.source.loaded import Loaded


class Refused(SnapshotError):
    """An update that cannot be used; what was in force stays."""

    def __init__(self, reason: "pb.NackReason.ValueType", message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Reached(msgspec.Struct, frozen=True):
    """Where one backend is reached, and the control plane's name for that."""

    endpoints: tuple[Endpoint, ...]
    hash: str


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Everything from the control plane, as of one position."""

    epoch: int = 0
    sequence: int = 0
    wire: Wire = Wire(Manifest((), ()), {})
    endpoints: Mapping[str, Reached] = {}
    credentials: Mapping[SecretKey, str] = {}
    revision: str = ""
    """Of the credentials."""
    keys: str | None = None
    """The client API keys, as a key file; None when the control plane leaves them to the router."""
    api_server: tuple[str, ...] = ()
    """Where the API server is reached: never connected to."""

    def __repr__(self) -> str:
        return f"Held(epoch={self.epoch}, sequence={self.sequence}, version={self.wire.version!r})"

    @property
    def position(self) -> tuple[int, int]:
        """Compared by epoch, then by sequence."""
        return (self.epoch, self.sequence)


NOTHING = Held()


def advance(held: Held, position: pb.Position, update: pb.Update) -> Held:
    """What is held after an update; raises Refused when it cannot be used."""
    if (position.epoch, position.sequence) <= held.position:
        raise Refused(pb.NACK_REASON_OUT_OF_ORDER, f"this router is at {held.epoch}.{held.sequence} already")
    changes: dict[str, object] = {"epoch": position.epoch, "sequence": position.sequence}
    if update.HasField("snapshot"):
        changes["wire"] = _wire(held.wire, update.snapshot)
    if update.HasField("endpoints"):
        changes["endpoints"] = _endpoints(held.endpoints, update.endpoints)
    if update.HasField("credentials"):
        changes["credentials"] = credentials_of(update.credentials.backends)
        changes["revision"] = update.credentials.revision
        changes["keys"] = update.credentials.clients.keys.decode() if update.credentials.HasField("clients") else None
    if update.HasField("api_server"):
        changes["api_server"] = tuple(update.api_server.addresses)
    return msgspec.structs.replace(held, **changes)


def snapshot_of(held: Held, before: Decoded | None = None) -> Decoded:
    """The snapshot, with what did not change since `before` as it is; raises Refused when it cannot be used here."""
    if before is not None and before.snapshot.version == held.wire.version:
        return before
    try:
        return redecode(held.wire, {} if before is None else before.objects)
    except UnknownFeature as error:
        raise Refused(pb.NACK_REASON_UNKNOWN_FEATURE, str(error)) from None
    except SnapshotError as error:
        raise Refused(pb.NACK_REASON_MALFORMED, str(error)) from None


def loaded(held: Held, decoded: Decoded) -> Loaded:
    """What a router works with."""
    endpoints = {key: reached.endpoints for key, reached in held.endpoints.items()}
    return Loaded(decoded.snapshot, endpoints, held.credentials, keys=held.keys, api_server=held.api_server)


def subscribe(held: Held, router: str, software: str, features: frozenset[str], ready: bool) -> pb.Subscribe:
    """Who follows, and what it has."""
    message = pb.Subscribe(
        router=router,
        software=software,
        features=sorted(features),
        snapshot=held.wire.version if held.sequence else "",
        endpoints={key: reached.hash for key, reached in held.endpoints.items()},
        credentials=held.revision,
        ready=ready,
        api_server=held.api_server,
    )
    if held.sequence:
        message.position.epoch, message.position.sequence = held.position
    for entry in held.wire.manifest.entries:
        each = message.objects.add(hash=entry.hash)
        each.name.kind, each.name.namespace, each.name.name = entry.kind, entry.namespace, entry.name
    return message


def _wire(before: Wire, delta: pb.SnapshotDelta) -> Wire:
    entries: dict[Name, Entry] = {(each.kind, each.namespace, each.name): each for each in before.manifest.entries}
    bodies = dict(before.bodies)
    for gone in delta.removed:
        entries.pop(name_of(gone), None)
    for changed in delta.changed:
        if digest(changed.body) != changed.hash:
            raise Refused(pb.NACK_REASON_HASH_MISMATCH, f"{changed.name.kind} {changed.name.name}: altered on the way")
        name = name_of(changed.name)
        kind, namespace, plain = name
        entries[name] = Entry(kind, namespace, plain, changed.hash)
        bodies[changed.hash] = changed.body
    manifest = Manifest(tuple(delta.features), tuple(sorted(entries.values())))
    if manifest.version != delta.version:
        raise Refused(pb.NACK_REASON_MISSING_OBJECT, "the objects held and sent are not those of the manifest")
    return Wire(manifest, {entry.hash: bodies[entry.hash] for entry in manifest.entries})


def _endpoints(before: Mapping[str, Reached], delta: pb.EndpointsDelta) -> dict[str, Reached]:
    changed = {
        each.backend: Reached(tuple(endpoint_of(endpoint) for endpoint in each.endpoints), each.hash)
        for each in delta.changed
    }
    kept = {key: reached for key, reached in before.items() if key not in set(delta.removed)}
    return kept | changed
