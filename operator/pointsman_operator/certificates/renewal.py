"""Which certificates are due, and what replaces them. Pure, but for the keys' randomness.

An authority is replaced in steps, so that at every moment each end trusts what the other shows:

    current                 → at two thirds of its life a `next` is made, and trusted
    current, next (trusted) → a day later next signs: every leaf is made anew, the one before is still trusted
    previous, current       → the previous one goes when it has expired
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pointsman_operator.certificates.x509 import Facts, Pair, belongs, facts, new_authority, new_leaf, signed_by

AUTHORITY_LIFE = timedelta(days=5 * 365)
LEAF_LIFE = timedelta(days=90)
SPREAD = timedelta(days=1)
"""From the day on which an authority is trusted to the one on which it signs: every pod has read it by then."""


class Authority(NamedTuple):
    """Who signs, who will, and who did."""

    current: Pair
    next: Pair | None = None
    previous: str = ""
    """Its certificate only: it signs no more."""

    @property
    def trusted(self) -> str:
        """All of them in one file."""
        after = self.next.certificate if self.next else ""
        return self.current.certificate + after + self.previous


class Leaf(NamedTuple):
    """What one end shows, and whom it trusts."""

    pair: Pair
    trusted: str


def renewed_authority(held: Authority | None, now: datetime) -> Authority:
    """The authority that should be there now; the same one when nothing is due. A damaged one is replaced."""
    if held is None or not _whole(held.current) or _ended(held.current.certificate, now):
        return Authority(new_authority(now, AUTHORITY_LIFE))
    if held.next is not None and not _whole(held.next):
        held = held._replace(next=None)
    if held.previous and _ended(held.previous, now):
        held = held._replace(previous="")
    if held.next is not None and now - facts(held.next.certificate).begin >= SPREAD:
        return Authority(held.next, previous=held.current.certificate)
    if held.next is None and _late(facts(held.current.certificate), now):
        return held._replace(next=new_authority(now, AUTHORITY_LIFE))
    return held


def renewed_leaf(held: Leaf | None, authority: Authority, names: Sequence[str], now: datetime) -> Leaf:
    """The leaf that should be there now; the same one when nothing is due."""
    if held is None or not _whole(held.pair) or _due(held.pair.certificate, authority, names, now):
        return Leaf(new_leaf(authority.current, names, now, LEAF_LIFE), authority.trusted)
    return held._replace(trusted=authority.trusted)


def _due(certificate: str, authority: Authority, names: Sequence[str], now: datetime) -> bool:
    known = facts(certificate)
    reasons: tuple[Callable[[], bool], ...] = (
        lambda: _late(known, now),
        lambda: known.names != tuple(sorted(names)),
        lambda: not signed_by(certificate, authority.current.certificate),
    )
    return any(reason() for reason in reasons)


def _late(known: Facts, now: datetime) -> bool:
    """Two thirds of its life are over."""
    return now >= known.begin + (known.end - known.begin) * 2 / 3


def _ended(certificate: str, now: datetime) -> bool:
    """What cannot be read is of no use any more, either."""
    try:
        return facts(certificate).end <= now
    except ValueError:
        return True


def _whole(pair: Pair) -> bool:
    try:
        return belongs(pair)
    except ValueError:
        return False
