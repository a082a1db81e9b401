"""The endpoints of all backends: picks one for each attempt and learns from what came of it.

One event loop owns a pool; nothing here waits.
"""

import random
from collections.abc import Callable, Iterable, Mapping

from pointsman.core.snapshot import Backend
from pointsman.core.state import BackendState
from router_svc.endpoints.group import Group
from router_svc.endpoints.member import Member
from router_svc.exchange import Endpoint

MAX_ENDPOINT_COOLDOWN = 60.0
"""Seconds. An endpoint that is overloaded cannot know for how long; one that stays so is ejected."""


class Lease:
    """One endpoint for one attempt. Call `done` when the attempt is over, whatever came of it."""

    __slots__ = ("_clock", "_done", "_group", "_member", "_phase")

    def __init__(self, group: Group, member: Member, clock: Callable[[], float]) -> None:
        self._group = group
        self._member = member
        self._phase = member.phase
        self._clock = clock
        self._done = False
        group.in_flight += 1
        member.in_flight += 1

    @property
    def endpoint(self) -> Endpoint:
        """Where to send the request."""
        return self._member.endpoint

    def answered(self, first_token: float) -> None:
        """The first content of a stream has come, after these seconds.

        A probe has succeeded by that; errors in a row go on counting, since an answer that is cut is one more.
        """
        now = self._clock()
        self._group.answered()
        self._group.first_token.add(first_token, now)
        if not self._member.breaker.closed and self._phase == self._member.phase:
            self._judge(True, now)
            self._phase = self._member.phase

    def cool(self, seconds: float) -> None:
        """Leaves this endpoint alone, as its Retry-After asked; the backend's others are asked meanwhile."""
        until = self._clock() + min(seconds, MAX_ENDPOINT_COOLDOWN)
        self._member.cool_until = max(self._member.cool_until, until)

    def misconfigured(self) -> None:
        """The answer spoke of misconfiguration; after several in a row the backend is left alone for a while."""
        self._group.misconfigured(self._clock())

    def done(self, ok: bool | None, *, unreachable: bool = False) -> None:
        """Gives the endpoint back; a second call does nothing.

        `ok` is None when the outcome says nothing about the endpoint (cancelled, a 429, a refusal); `unreachable` says
        that no connection came about.
        """
        if self._done:
            return
        self._done = True
        self._group.in_flight -= 1
        self._member.in_flight -= 1
        if ok:
            self._group.answered()
        self._judge(ok, self._clock(), unreachable=unreachable)

    def _judge(self, ok: bool | None, now: float, *, unreachable: bool = False) -> None:
        if self._phase == self._member.phase:
            self._group.judge(self._member, ok, now, unreachable=unreachable)


class EndpointPool:
    """All endpoints, by backend key."""

    def __init__(self, clock: Callable[[], float], random: random.Random) -> None:
        """`clock` is in seconds and never goes back."""
        self._clock = clock
        self._random = random
        self._groups: dict[str, Group] = {}

    def update(self, sets: Mapping[str, tuple[Endpoint, ...]], backends: Mapping[str, Backend]) -> None:
        """Takes new endpoints and rules. A backend without endpoints has none; one that is gone is forgotten."""
        groups = {}
        for key, backend in backends.items():
            groups[key] = self._groups.get(key) or Group()
            groups[key].update(sets.get(key, ()), backend)
        self._groups = groups

    def pick(self, backend_key: str) -> Lease | None:
        """An endpoint for one attempt, be it one that is left out when no better is left.

        None when the backend has none or is cooling down.
        """
        group = self._groups.get(backend_key)
        now = self._clock()
        if group is None or not group.members or now < group.cool_until:
            return None
        member = group.choose(now, self._random)
        member.probing = member.probing or member.breaker.half_open(now)
        return Lease(group, member, self._clock)

    def cool(self, backend_key: str, seconds: float) -> None:
        """Leaves a backend alone, as its Retry-After asked."""
        if group := self._groups.get(backend_key):
            group.cool(seconds, self._clock())

    def checked(self, backend_key: str, endpoint: Endpoint, *, ok: bool) -> None:
        """Takes the result of a health check."""
        if group := self._groups.get(backend_key):
            group.checked(endpoint, ok=ok)

    def states(self, keys: Iterable[str]) -> Mapping[str, BackendState]:
        """How these backends are doing; headroom is left at 1. Unknown ones are left out."""
        now = self._clock()
        return {key: group.state(now) for key in keys if (group := self._groups.get(key)) is not None}
