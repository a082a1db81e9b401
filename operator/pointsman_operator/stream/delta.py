"""What a router lacks of a content, in messages that are never too large. Pure."""

from collections.abc import Iterator

from pointsman.core.canonical import Entry
from pointsman.runtime.messages import LIMIT, Name, credentials_message, endpoint_message, name_message
from pointsman.v1 import snapshot_pb2 as objects
from pointsman.v1 import snapshot_stream_pb2 as pb
from pointsman_operator.content import Content, Held

_REMEMBERED = 4
"""Routers are at few different positions at a time: where the last content, or the one before, left them."""


class Deltas:
    """Updates to the newest content, made once for all routers that hold the same."""

    def __init__(self) -> None:
        self._content: Content | None = None
        self._made: list[tuple[Held, list[pb.Update]]] = []

    def updates(self, held: Held, content: Content) -> list[pb.Update]:
        """As `updates` below; nobody may change what it gives."""
        if content is not self._content:
            self._content, self._made = content, []
        for known, made in self._made:
            if known is held or known == held:
                return made
        made = updates(held, content)
        self._made = [*self._made[1 - _REMEMBERED :], (held, made)]
        return made


def updates(held: Held, content: Content, limit: int = LIMIT) -> list[pb.Update]:
    """From what is held to the content; the last one is complete. None when nothing is lacking."""
    packed: list[pb.Update] = []
    size = limit
    for piece in _pieces(held, content):
        if size + piece.ByteSize() > limit:
            packed.append(pb.Update())
            size = 0
        packed[-1].MergeFrom(piece)
        size += piece.ByteSize()
    if packed:
        packed[-1].complete = True
    return packed


def _pieces(held: Held, content: Content) -> Iterator[pb.Update]:
    """The smallest messages that together say it all."""
    if held.snapshot != content.wire.version:
        yield from _snapshot(held, content)
    for key, found in content.endpoints.items():
        if held.endpoints.get(key) != found.hash:
            addresses = [endpoint_message(endpoint) for endpoint in found.endpoints]
            whole = objects.BackendEndpoints(backend=key, endpoints=addresses, hash=found.hash)
            yield pb.Update(endpoints=pb.EndpointsDelta(changed=[whole]))
    gone = sorted(set(held.endpoints) - set(content.endpoints))
    if gone:
        yield pb.Update(endpoints=pb.EndpointsDelta(removed=gone))
    if held.api_server != content.api_server:
        yield pb.Update(api_server=pb.ApiServer(addresses=content.api_server))
    if held.credentials != content.revision:
        yield pb.Update(credentials=credentials_message(content.revision, content.credentials, content.keys))


def _snapshot(held: Held, content: Content) -> Iterator[pb.Update]:
    manifest, bodies = content.wire.manifest, content.wire.bodies
    gone = sorted(set(held.objects) - {_name(entry) for entry in manifest.entries})
    removed = [name_message(name) for name in gone]
    head = pb.SnapshotDelta(version=manifest.version, features=manifest.features, removed=removed)
    yield pb.Update(snapshot=head)
    for entry in manifest.entries:
        if held.objects.get(_name(entry)) != entry.hash:
            whole = objects.Object(name=name_message(_name(entry)), hash=entry.hash, body=bodies[entry.hash])
            yield pb.Update(snapshot=pb.SnapshotDelta(changed=[whole]))


def _name(entry: Entry) -> Name:
    return (entry.kind, entry.namespace, entry.name)
