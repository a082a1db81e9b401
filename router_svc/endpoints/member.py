"""One endpoint with what is known of it."""

import logging

from router_svc.endpoints.outlier import Breaker
from router_svc.exchange import Endpoint

log = logging.getLogger("pointsman.endpoints")

FAILED_CHECKS = 2
"""Health checks in a row that take an endpoint out; one good check brings it back."""


class Member:
    """Mutable, and changed only by the pool."""

    __slots__ = ("_bad_checks", "_breaker", "cool_until", "endpoint", "in_flight", "phase", "probing")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.in_flight = 0
        self.cool_until = 0.0
        """Until then it asked to be left alone."""
        self.probing = False
        """A request is probing whether it has recovered."""
        self.phase = 0
        """Grows whenever the breaker opens or closes. What a request tells counts only in the phase that it began in:
        a late answer from before an ejection says nothing about afterwards."""
        self._breaker = Breaker()
        self._bad_checks = 0

    @property
    def breaker(self) -> Breaker:
        """Its breaker."""
        return self._breaker

    @breaker.setter
    def breaker(self, breaker: Breaker) -> None:
        if (breaker.open_until, breaker.closed) != (self._breaker.open_until, self._breaker.closed):
            self.phase += 1
            self.probing = False
        if breaker.closed is not self._breaker.closed:
            self._tell(breaker)
        self._breaker = breaker

    def _tell(self, breaker: Breaker) -> None:
        """What an operator of the router wants to know; once when it begins, once when it is over."""
        where = self.endpoint.authority
        if breaker.closed:
            log.info("endpoint %s answers again", where)
        else:
            log.warning("endpoint %s is left out: %s", where, "it keeps failing" if breaker.ejected else "unreachable")

    @property
    def healthy(self) -> bool:
        """What the active checks say; true without any."""
        return self._bad_checks < FAILED_CHECKS

    def available(self, now: float) -> bool:
        """Whether it may be picked: nothing is known against it, or it is due to be probed."""
        if now < self.cool_until or not self.healthy:
            return False
        return self._breaker.closed or (self._breaker.half_open(now) and not self.probing)

    def checked(self, *, ok: bool) -> None:
        """The result of an active check."""
        self._bad_checks = 0 if ok else self._bad_checks + 1
