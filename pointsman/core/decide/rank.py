"""The order of candidates: tiers, then priorities, then the objective within one priority.

An objective is a tuple of criteria, compared in turn. Backends that no criterion tells apart share the traffic by
weighted rendezvous hashing of the session's key, so that replicas agree without shared state.
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

import msgspec

from pointsman.core.plan import Code, Reason
from pointsman.core.resources.policy import ObjectiveType
from pointsman.core.snapshot import Backend, Objective

_STRAINED_BELOW = 0.05
"""Share of a backend's own limits below which it is asked after the others of its priority."""

_COST_STEP, _LATENCY_STEP = 1.1, 1.5
"""Costs and latencies within one step of a geometric scale count as equal, so that noise does not reorder."""


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """A backend that satisfies every constraint, with what is expected of it."""

    key: str
    backend: Backend
    tier: int
    tier_name: str
    priority: int
    weight: int | None
    quality: float
    cost: int
    """Picos."""
    first_token: float | None
    """Seconds; None without recent measurements."""
    headroom: float
    last_resort: bool = False
    """All its endpoints failed lately, but nothing else is left."""


class Group(msgspec.Struct, frozen=True):
    """The options of one tier and priority, and the best of each kind among them."""

    quality: float
    first_token: float
    band: float
    share_key: str
    weighted: bool
    size: int


Criterion = Callable[[Option, Group], float]


def below_band(option: Option, group: Group) -> float:
    """0 inside the quality band, else the distance from the best."""
    loss = group.quality - option.quality
    return 0.0 if loss <= group.band + 1e-9 else loss


def cost_step(option: Option, group: Group) -> float:
    """Expected cost on a coarse scale."""
    return round(math.log(option.cost + 1, _COST_STEP))


def latency_step(option: Option, group: Group) -> float:
    """Recent time to the first token on a coarse scale; an unmeasured backend counts as fast, so that it is tried."""
    return round(
        math.log(max(group.first_token if option.first_token is None else option.first_token, 1e-3), _LATENCY_STEP)
    )


def share(option: Option, group: Group) -> float:
    """Weighted rendezvous hashing; a weight of 0 comes last."""
    weight = 1 if option.weight is None else option.weight
    if weight == 0:
        return math.inf
    digest = hashlib.blake2b(f"{group.share_key}\x1f{option.key}".encode(), digest_size=8).digest()
    uniform = (int.from_bytes(digest) + 1) / 2**64
    return -math.log(uniform) / weight


CRITERIA: Mapping[ObjectiveType, tuple[Criterion, ...]] = {
    ObjectiveType.QUALITY: (below_band,),
    ObjectiveType.BALANCED: (below_band, cost_step, latency_step),
    ObjectiveType.COST: (cost_step, below_band, latency_step),
    ObjectiveType.LATENCY: (latency_step, below_band, cost_step),
}
"""What each objective compares, in turn; what is left equal is shared."""

_WHY_FIRST = {
    ObjectiveType.QUALITY: Code.BEST_QUALITY,
    ObjectiveType.BALANCED: Code.IN_QUALITY_BAND,
    ObjectiveType.COST: Code.CHEAPEST,
    ObjectiveType.LATENCY: Code.FASTEST,
}


class Ranked(msgspec.Struct, frozen=True):
    """An option in its place, and why it is there."""

    option: Option
    reasons: tuple[Reason, ...]


def rank(options: Sequence[Option], objective: Objective, share_key: str) -> list[Ranked]:
    """Order options; `share_key` is the session's key, or the request's id where there is no session."""
    ordered: list[Ranked] = []
    by_place = sorted(options, key=lambda option: (option.tier, option.priority))
    for _, members in groupby(by_place, key=lambda option: (option.tier, option.priority)):
        ordered += _rank_group(list(members), objective, share_key)
    return ordered


def _rank_group(options: list[Option], objective: Objective, share_key: str) -> list[Ranked]:
    measured = [option.first_token for option in options if option.first_token is not None]
    group = Group(
        quality=max(option.quality for option in options),
        first_token=min(measured, default=0.0),
        band=objective.quality_band,
        share_key=share_key,
        weighted=any(option.weight is not None for option in options),
        size=len(options),
    )
    criteria = CRITERIA[objective.type]
    if group.weighted:  # weights are an instruction: they split what the objective's first criterion leaves equal
        criteria = criteria[:1]
    equals: dict[tuple[float, ...], list[Option]] = {}
    for option in options:
        strained = float(option.headroom < _STRAINED_BELOW)
        equals.setdefault((strained, *(criterion(option, group) for criterion in criteria)), []).append(option)
    ordered = [option for place in sorted(equals) for option in _shared(equals[place], group)]
    return [Ranked(option, tuple(_why(option, group, objective, place))) for place, option in enumerate(ordered)]


def _shared(options: list[Option], group: Group) -> list[Option]:
    if len(options) == 1:
        return options
    return sorted(options, key=lambda option: (share(option, group), option.key))


def _why(option: Option, group: Group, objective: Objective, place: int) -> list[Reason]:
    reasons = []
    if option.last_resort:
        reasons.append(Reason(Code.LAST_RESORT))
    if option.tier > 0:
        reasons.append(Reason(Code.FALLBACK_TIER, {"tier": option.tier_name}))
    if option.priority > 0:
        reasons.append(Reason(Code.LOWER_PRIORITY, {"priority": option.priority}))
    if option.headroom < _STRAINED_BELOW:
        reasons.append(Reason(Code.STRAINED, {"headroom": round(option.headroom, 3)}))
    if below_band(option, group) > 0:
        reasons.append(Reason(Code.BELOW_BAND, {"quality": round(option.quality, 3), "best": round(group.quality, 3)}))
    if place == 0 and group.size > 1 and not group.weighted:
        reasons.append(Reason(_WHY_FIRST[objective.type], {"quality": round(option.quality, 3)}))
    if group.weighted:
        reasons.append(Reason(Code.WEIGHTED, {"weight": 1 if option.weight is None else option.weight}))
    return reasons
