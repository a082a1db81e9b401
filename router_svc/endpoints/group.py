"""The endpoints of one backend."""

import random

from pointsman.core.resources.backend import LoadBalancingType
from pointsman.core.snapshot import Backend, Outlier
from pointsman.core.state import BackendState
from router_svc.endpoints import outlier
from router_svc.endpoints.average import ExpiringAverage
from router_svc.endpoints.member import Member
from router_svc.exchange import Endpoint

PANIC_BELOW = 0.5
"""With a smaller share of endpoints available, all are picked from: the few would break under the load of all, and
where none is left, trying is how the backend is found to be well again."""
MISCONFIGURED = 5
"""Answers in a row that speak of misconfiguration before the backend is believed to be so: one may be the fault of its
request."""
MISCONFIGURED_PAUSE = 30.0
"""Seconds for which it is then left alone."""


class Group:
    """Mutable, and changed only by the pool."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.in_flight = 0
        """Attempts, those on removed endpoints included."""
        self.cool_until = 0.0
        """Until then all of them are left alone."""
        self.first_token = ExpiringAverage()
        self._rules = Outlier()
        self._balancing = LoadBalancingType.LEAST_REQUEST
        self._turn = 0
        self._misconfigured = 0
        self._by_endpoint: dict[Endpoint, Member] = {}

    def update(self, endpoints: tuple[Endpoint, ...], backend: Backend) -> None:
        """Takes the new set. Endpoints that stay keep their state, removed ones too while requests are in flight."""
        self._rules = backend.outlier
        self._balancing = backend.load_balancing
        known = self._by_endpoint
        self.members = [known.get(endpoint) or Member(endpoint) for endpoint in dict.fromkeys(endpoints)]
        draining = (member for member in known.values() if member.in_flight)
        self._by_endpoint = {member.endpoint: member for member in (*draining, *self.members)}

    def choose(self, now: float, random: random.Random) -> Member:
        """The less busy of two random members, or the next in turn. There must be members."""
        members = self._available(now)
        if len(members) < PANIC_BELOW * len(self.members):
            members = self.members
        if len(members) == 1:
            return members[0]
        if self._balancing is LoadBalancingType.ROUND_ROBIN:
            self._turn += 1
            return members[self._turn % len(members)]
        one, other = random.sample(members, 2)
        return one if one.in_flight <= other.in_flight else other

    def cool(self, seconds: float, now: float) -> None:
        """Leaves all of them alone; of two such times the longer counts."""
        self.cool_until = max(self.cool_until, now + seconds)

    def misconfigured(self, now: float) -> None:
        """An answer spoke of misconfiguration, which all endpoints share."""
        self._misconfigured += 1
        if self._misconfigured >= MISCONFIGURED:
            self._misconfigured = 0
            self.cool(MISCONFIGURED_PAUSE, now)

    def answered(self) -> None:
        """A request was answered, so the backend is configured well."""
        self._misconfigured = 0

    def checked(self, endpoint: Endpoint, *, ok: bool) -> None:
        """Takes the result of a health check."""
        if member := self._by_endpoint.get(endpoint):
            member.checked(ok=ok)

    def judge(self, member: Member, ok: bool | None, now: float, *, unreachable: bool) -> None:
        """Takes what came of an attempt; None says nothing about the endpoint."""
        if unreachable:
            member.breaker = outlier.unreachable(member.breaker, now)
        elif ok:
            member.breaker = outlier.succeeded(member.breaker, now)
        elif ok is False:
            ejected = sum(other.breaker.ejected for other in self.members)
            allowed = outlier.may_eject(self._rules, ejected, len(self.members))
            member.breaker = outlier.failed(member.breaker, self._rules, now, may_eject=allowed)
        else:
            member.probing = False  # it told nothing, so another request may probe

    def state(self, now: float) -> BackendState:
        """How the backend is doing."""
        return BackendState(
            endpoints=len(self.members),
            available=len(self._available(now)),
            cooldown=max(self.cool_until - now, 0.0),
            in_flight=self.in_flight,
            first_token=self.first_token.value(now),
        )

    def _available(self, now: float) -> list[Member]:
        return [member for member in self.members if member.available(now)]
