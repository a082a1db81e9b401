"""What routers are given: the newest content and its position. Positions only grow, across leaders too.

A content that equals the one before gets no new position, so a compile that changed nothing moves nobody.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec

from pointsman_operator.content import Content, Held, content_of, held_of
from pointsman_operator.fleet import Fleet, Follower
from pointsman_operator.world import World


class Position(msgspec.Struct, frozen=True, order=True):
    """When something was published; compared by epoch, then by sequence."""

    epoch: int
    sequence: int


class Published(msgspec.Struct, frozen=True):
    """One content at its position."""

    position: Position
    content: Content
    held: Held
    """What a router has that has it in force."""


class Leadership(Protocol):
    """Whether this replica may publish."""

    @property
    def leading(self) -> bool:
        """Now."""

    @property
    def epoch(self) -> int:
        """Of the current leadership."""


class Publisher:
    """Keeps what is in force, and who has it."""

    def __init__(self, leadership: Leadership) -> None:
        self._leadership = leadership
        self._newest: Content | None = None
        self._published: Published | None = None
        self._followers: dict[object, Follower] = {}
        self._listeners: set[Callable[[], None]] = set()
        self._watchers: set[Callable[[], None]] = set()
        self.ready_routers = 0
        """How many routers follow and answer requests."""

    @property
    def published(self) -> Published | None:
        """What routers are to have now; None while another replica leads or nothing was built."""
        return self._published if self._leadership.leading else None

    def publish(self, world: World) -> None:
        """A newer world; a position is given only by a leader."""
        self._newest = content_of(world, self._newest)
        self.settle()

    def settle(self) -> None:
        """Leadership or content may have changed: give a position where one is due."""
        before, epoch = self._published, self._leadership.epoch
        if not self._leadership.leading or self._newest is None:
            self._tell()
            return
        same_epoch = before is not None and before.position.epoch == epoch
        if before is not None and same_epoch and before.content.same_as(self._newest):
            return
        sequence = before.position.sequence + 1 if before is not None and same_epoch else 1
        held = held_of(self._newest, before.held if before is not None else None)
        self._published = Published(Position(epoch, sequence), self._newest, held)
        self._tell()

    def fleet(self) -> Fleet:
        """Who follows, and how far; nobody while another replica leads."""
        return self._newest_followers() if self._leadership.leading else ()

    def followed(self, stream: object, follower: Follower) -> None:
        """A router came, or what is known of it changed; `stream` tells its streams apart."""
        if self._followers.get(stream) != follower:
            self._followers[stream] = follower
            self._fleet_changed()

    def left(self, stream: object) -> None:
        """A stream is over."""
        self._followers.pop(stream, None)
        self._fleet_changed()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` when routers are to be told something: content, leadership or how many are ready; the result
        ends that. What one router acknowledges wakes no other's stream."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` whenever anything is known anew of the routers that follow."""
        self._watchers.add(watcher)

    def _newest_followers(self) -> Fleet:
        """One of each name: a router that came again may have two streams for a while."""
        return tuple({follower.name: follower for follower in self._followers.values()}.values())

    def _fleet_changed(self) -> None:
        ready = sum(follower.ready for follower in self._newest_followers())
        if ready != self.ready_routers:
            self.ready_routers = ready
            self._tell()
        for watcher in tuple(self._watchers):
            watcher()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()
