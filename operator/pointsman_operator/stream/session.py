"""One router's stream as a state machine: what was received, and what is due. Knows nothing of gRPC's calls.

One position is under way at a time: a slow router is not sent what has been overtaken meanwhile, and each delta starts
from what it acknowledged. What it refused is not sent again; the next position is.
"""

from collections.abc import Iterator

import msgspec

from pointsman.runtime.messages import name_of
from pointsman.v1 import snapshot_stream_pb2 as pb
from pointsman_operator.content import Held
from pointsman_operator.fleet import Follower
from pointsman_operator.publisher import Position, Published, Publisher
from pointsman_operator.stream.delta import Deltas
from pointsman_operator.tracing import Push, Tracing


class Session:
    """One router, from Subscribe to the end of its stream."""

    def __init__(self, publisher: Publisher, subscribe: pb.Subscribe, deltas: Deltas, tracing: Tracing) -> None:
        """`deltas` is shared by all sessions."""
        self._publisher, self._deltas, self._tracing = publisher, deltas, tracing
        self._held = Held(
            subscribe.snapshot,
            {name_of(each.name): each.hash for each in subscribe.objects},
            dict(subscribe.endpoints),
            subscribe.credentials,
            tuple(subscribe.api_server),
        )
        self._position = Position(subscribe.position.epoch, subscribe.position.sequence)
        self._under_way: Published | None = None
        self._push: Push | None = None
        """Of what is under way."""
        self._settled: Position | None = None
        """In force there, or refused: nothing more to say of it."""
        self._ready_routers = 0
        self._follower = Follower(subscribe.router, subscribe.ready, self._held.objects)
        publisher.followed(self, self._follower)

    def received(self, request: pb.FollowRequest) -> None:
        """The router says something."""
        kind = request.WhichOneof("message")
        if kind == "ack":
            self._acknowledged(_position(request.ack.position))
        elif kind == "nack":
            self._nack(request.nack)
        elif kind == "readiness":
            self._know(ready=request.readiness.ready)

    def due(self) -> Iterator[pb.FollowResponse]:
        """What to say now."""
        ready = max(1, self._publisher.ready_routers)
        if ready != self._ready_routers:
            self._ready_routers = ready
            yield pb.FollowResponse(fleet=pb.Fleet(ready_routers=ready))
        newest = self._publisher.published
        if newest is None or self._under_way is not None or newest.position == self._settled:
            return
        position = pb.Position(epoch=newest.position.epoch, sequence=newest.position.sequence)
        lacking = self._deltas.updates(self._held, newest.content)
        self._under_way, self._settled = (newest, None) if lacking else (None, newest.position)
        self._push = self._tracing.pushing(self._follower.name, position, lacking) if lacking else None
        yield from (pb.FollowResponse(position=position, update=update) for update in lacking)

    @property
    def ahead(self) -> bool:
        """Whether the router follows a newer leadership than this one: then this one is over."""
        newest = self._publisher.published
        return newest is not None and self._position.epoch > newest.position.epoch

    def end(self) -> None:
        """The stream is over."""
        if self._under_way is not None and self._push is not None:
            self._push.abandoned()
        self._publisher.left(self)

    def _acknowledged(self, position: Position) -> None:
        if self._under_way is not None and self._under_way.position == position:
            self._held = self._under_way.held
            self._position, self._settled, self._under_way = position, position, None
            if self._push is not None:
                self._push.acknowledged()
            self._know(holds=self._held.objects, refusal="")

    def _nack(self, nack: pb.Nack) -> None:
        position = _position(nack.position)
        if self._under_way is not None and self._under_way.position == position:
            self._settled, self._under_way = position, None
            reason = pb.NackReason.Name(nack.reason).removeprefix("NACK_REASON_").replace("_", " ").lower()
            if self._push is not None:
                self._push.refused(pb.NackReason.Name(nack.reason).removeprefix("NACK_REASON_"))
            self._know(refusal=f"{nack.message or reason}"[:500])

    def _know(self, **changes: object) -> None:
        self._follower = msgspec.structs.replace(self._follower, **changes)
        self._publisher.followed(self, self._follower)


def _position(message: pb.Position) -> Position:
    return Position(message.epoch, message.sequence)
