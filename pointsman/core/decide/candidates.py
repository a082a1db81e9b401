"""From tiers of preferred backends to ordered candidates, and to rejections with their reasons."""

from collections.abc import Mapping

import msgspec

from pointsman.core.decide.case import Case, Intent, Tier
from pointsman.core.decide.charges import Bill, backend_charges
from pointsman.core.decide.constraints import Demand, first_violated
from pointsman.core.decide.effort import for_backend
from pointsman.core.decide.estimate import expected_cost, expected_quality, need_of
from pointsman.core.decide.rank import Option, Ranked, rank
from pointsman.core.decide.stay import stay
from pointsman.core.plan import Candidate, Code, Reason, Rejection
from pointsman.core.request import Operation
from pointsman.core.resources.backend import ServedOperation
from pointsman.core.snapshot import Quota

MAX_CANDIDATES = 16
"""More are never tried: a policy allows ten attempts, and the rest is for backends whose limits are reached."""


def candidates(
    case: Case, intent: Intent, quotas: tuple[Quota, ...]
) -> tuple[tuple[Candidate, ...], tuple[Rejection, ...]]:
    """Hold every backend of the tiers against the constraints and quotas, and order those that remain."""
    request, session = case.request, case.state.session
    need, bill = need_of(case.signals.classification), Bill(case.target.policy, quotas, request)
    options: dict[str, Option] = {}
    ejected: dict[str, Option] = {}
    rejected: dict[str, Rejection] = {}
    for place, tier in enumerate(_fixed_for_embeddings(case, intent.tiers)):
        demand = Demand(case, intent.objective, _selectors(intent, tier))
        for preference in tier.preferences:
            key = preference.backend
            if key in options or (backend := case.snapshot.backends.get(key)) is None:
                continue
            how, cost = case.backend_state(key), expected_cost(request, backend, session)
            violated, over_quota = first_violated(demand, backend, how), _over_quota(case, bill, cost)
            option = Option(
                key=key,
                backend=backend,
                tier=place,
                tier_name=tier.name,
                priority=preference.priority,
                weight=preference.weight,
                quality=expected_quality(backend, need),
                cost=cost,
                first_token=how.first_token,
                headroom=how.headroom,
            )
            # a spent quota is told before an ejection: it has a remedy of its own, a downgrade
            reason = over_quota if violated is None or violated.code is Code.UNAVAILABLE else violated
            if (reason := reason or violated) is None:
                rejected.pop(key, None)  # an earlier tier's stricter labels do not hold for this one
                options[key] = option
                continue
            rejected.setdefault(key, Rejection(key, reason))
            if reason.code is Code.UNAVAILABLE and over_quota is None:
                ejected.setdefault(key, option)
    if not options and ejected:
        # a breaker guards against asking in vain while others answer; when there are no others, asking is all there is
        options = {key: msgspec.structs.replace(option, last_resort=True) for key, option in ejected.items()}
        rejected = {key: each for key, each in rejected.items() if key not in ejected}
    ranked = stay(case, intent, rank(list(options.values()), intent.objective, request.session or request.id))
    found = tuple(_candidate(case, intent, each, bill) for each in ranked[:MAX_CANDIDATES])
    return found, tuple(rejected.values())


def _candidate(case: Case, intent: Intent, ranked: Ranked, bill: Bill) -> Candidate:
    option = ranked.option
    effort, adjusted = for_backend(intent.effort, option.backend.reasoning, case.signals.classification.reasoning)
    return Candidate(
        backend=option.key,
        effort=effort,
        quality=round(option.quality, 4),
        cost=option.cost,
        tier=option.tier_name,
        priority=option.priority,
        reasons=(*ranked.reasons, *adjusted),
        charges=(*bill.charges(option.cost), *backend_charges(option.backend, case.request)),
    )


def _fixed_for_embeddings(case: Case, tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    """Embeddings never switch models, since their spaces differ: the first that serves them, well or not."""
    if case.request.operation is not Operation.EMBEDDINGS:
        return tiers
    for tier in tiers:
        for preference in sorted(tier.preferences, key=lambda each: (each.priority, each.backend)):
            backend = case.snapshot.backends.get(preference.backend)
            if backend is not None and ServedOperation.EMBEDDINGS in backend.operations:
                return (msgspec.structs.replace(tier, preferences=(preference,)),)
    return tiers


def _selectors(intent: Intent, tier: Tier) -> tuple[Mapping[str, str], ...]:
    routes = {id(route): route for route in (intent.route, tier.route) if route is not None}
    return tuple(route.selector for route in routes.values() if route.selector)


def _over_quota(case: Case, bill: Bill, cost: int) -> Reason | None:
    for charge in bill.charges(cost):
        balance = case.state.balances.get(charge.key)
        if charge.amount > (charge.limit if balance is None else balance.remaining):
            return Reason(Code.QUOTA_SPENT, {"quota": charge.name})
    return None
