"""When an endpoint is left out, and when it is tried again: Envoy's outlier ejection as a breaker. Pure.

    Closed ── n errors in a row, or unreachable ──▶ Open ── its time is over ──▶ HalfOpen
      ▲                                              ▲                             │ one request probes it
      └───────────────────── it succeeded ───────────┼─────────────────────────────┤
                                                     └────── it failed: longer ────┘

An ejection lasts the base time multiplied by the number of ejections until now, five minutes at most; that number
falls by one for every ten seconds without an ejection. An unreachable endpoint costs nothing to try, so it starts at
a second and doubles up to half a minute.
"""

import msgspec

from pointsman.core.snapshot import Outlier

MAX_EJECTION = 300.0
"""Seconds; a longer base ejection counts as it is."""
DECAY = 10.0
"""Seconds in good standing that take back one ejection."""
UNREACHABLE_BASE, UNREACHABLE_MAX = 1.0, 30.0
"""Seconds."""


class Breaker(msgspec.Struct, frozen=True):
    """What is remembered of one endpoint."""

    errors: int = 0
    """In a row."""
    ejections: int = 0
    """Since the last decay to 0."""
    unreachable: int = 0
    """Connections in a row that did not come about."""
    open_until: float | None = None
    """While Open or HalfOpen: when it may be tried again."""
    closed_at: float = 0.0
    """When it was closed last."""
    ejected: bool = False
    """Open because of errors, not because it is unreachable: counts towards the largest share."""

    @property
    def closed(self) -> bool:
        """In good standing."""
        return self.open_until is None

    def half_open(self, now: float) -> bool:
        """Whether one request may probe it."""
        return self.open_until is not None and now >= self.open_until


def succeeded(breaker: Breaker, now: float) -> Breaker:
    """A request was answered."""
    if breaker.closed:
        return breaker if breaker.errors == 0 else msgspec.structs.replace(breaker, errors=0)
    return Breaker(ejections=breaker.ejections, closed_at=now)


def failed(breaker: Breaker, rules: Outlier, now: float, *, may_eject: bool) -> Breaker:
    """A request failed by the endpoint's fault. `may_eject` says whether the share of ejected endpoints allows one."""
    if _panic_pick(breaker, now):
        return breaker
    errors = breaker.errors + 1
    if breaker.closed and (errors < rules.consecutive_errors or not may_eject):
        return msgspec.structs.replace(breaker, errors=errors)
    ejections = _decayed(breaker, now) + 1
    longest = max(MAX_EJECTION, rules.base_ejection)
    return Breaker(
        ejections=ejections,
        open_until=now + min(rules.base_ejection * ejections, longest),
        closed_at=breaker.closed_at,
        ejected=True,
    )


def unreachable(breaker: Breaker, now: float) -> Breaker:
    """No connection came about."""
    if _panic_pick(breaker, now):
        return breaker
    pause = min(UNREACHABLE_BASE * 2**breaker.unreachable, UNREACHABLE_MAX)
    return Breaker(
        ejections=breaker.ejections,
        unreachable=min(breaker.unreachable + 1, 16),
        open_until=now + pause,
        closed_at=breaker.closed_at,
        ejected=breaker.ejected,
    )


def may_eject(rules: Outlier, ejected: int, total: int) -> bool:
    """Whether one more of `total` endpoints may be ejected: one always may, unless the largest share is 0."""
    if rules.max_ejected <= 0:
        return False
    return ejected == 0 or (ejected + 1) / total <= rules.max_ejected


def _panic_pick(breaker: Breaker, now: float) -> bool:
    """Picked though Open, since too few others are left: its failure is no news and must not prolong the ejection."""
    return not breaker.closed and not breaker.half_open(now)


def _decayed(breaker: Breaker, now: float) -> int:
    """Ejections that still count."""
    if not breaker.closed:
        return breaker.ejections
    return max(breaker.ejections - int((now - breaker.closed_at) / DECAY), 0)
