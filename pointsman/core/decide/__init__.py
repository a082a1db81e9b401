"""`decide`: which backends may answer a request, in which order, and why. Pure and deterministic."""

import msgspec

from pointsman.core.decide import refuse
from pointsman.core.decide.candidates import candidates
from pointsman.core.decide.case import Case, Intent, Tier
from pointsman.core.decide.charges import quotas_for
from pointsman.core.decide.choose import Refused, choose
from pointsman.core.plan import Code, Plan, Reason, Refusal, Rejection
from pointsman.core.request import Operation, Request
from pointsman.core.resolve import resolve
from pointsman.core.resources.policy import ExhaustedAction
from pointsman.core.signals import Signals
from pointsman.core.snapshot import Fallback, Quota, Snapshot
from pointsman.core.state import State

__all__ = ["decide"]

Reasons = tuple[Reason, ...]


def decide(snapshot: Snapshot, request: Request, signals: Signals, state: State) -> Plan:
    """The ordered candidates for one request, with reasons; or a refusal that names what stood in the way."""
    target = resolve(snapshot, request.model, request.subject, state.now)
    if target is None or not request.rights.allow(request.model, *target.names):
        plan = Plan(id=request.id, snapshot=snapshot.version, model=request.model)
        return msgspec.structs.replace(plan, refusal=refuse.unknown_model(snapshot, request))

    case = Case(snapshot, request, signals, state, target)
    if target.pin_denied:
        return _plan(case, refusal=refuse.pin_denied(case))
    if target.policy is not None and target.policy.problem and target.backend is None:
        return _plan(case, refusal=refuse.policy_broken(target.policy))
    try:
        intent, reasons = choose(case)
    except Refused as refused:
        return _plan(case, refusal=refused.refusal)
    if target.retired:
        reasons = (Reason(Code.RETIRED_NAME, {"asked": request.model}), *reasons)

    quotas = quotas_for(target.policy, request.subject) if target.policy is not None else ()
    plan = _walk(case, intent, reasons, quotas)
    if plan.candidates or not (spent := _spent(quotas, plan.rejected)):
        return plan
    return _downgrade(case, intent, plan, quotas, spent)


def _walk(case: Case, intent: Intent, reasons: Reasons, quotas: tuple[Quota, ...]) -> Plan:
    found, rejected = candidates(case, intent, quotas)
    refusal = None if found else refuse.nothing_left(case, rejected)
    plan = _plan(case, intent, reasons, refusal)
    return msgspec.structs.replace(plan, candidates=found, rejected=rejected)


def _downgrade(case: Case, intent: Intent, plan: Plan, quotas: tuple[Quota, ...], spent: tuple[Quota, ...]) -> Plan:
    """When quotas left nothing: their own backends answer, outside these quotas, unless one of them rejects."""
    hard = next((quota for quota in spent if quota.action is ExhaustedAction.REJECT), None)
    if hard is None and case.request.operation is Operation.EMBEDDINGS:
        hard = spent[0]  # a downgrade would switch models
    if hard is not None:
        return msgspec.structs.replace(plan, refusal=refuse.quota_exceeded(case, hard))

    tiers = tuple(Tier("downgrade", quota.backends) for quota in spent)
    intent = msgspec.structs.replace(intent, tiers=tiers)
    reasons = (*plan.reasons, Reason(Code.DOWNGRADED, {"quota": spent[0].name}))
    left = tuple(quota for quota in quotas if quota not in spent)
    downgraded = _walk(case, intent, reasons, left)
    refusal = downgraded.refusal
    if refusal is not None and (also_spent := _spent(left, downgraded.rejected)):
        refusal = refuse.quota_exceeded(case, also_spent[0])
    rejected = (*plan.rejected, *downgraded.rejected)
    return msgspec.structs.replace(downgraded, downgraded=spent[0].name, rejected=rejected, refusal=refusal)


def _spent(quotas: tuple[Quota, ...], rejected: tuple[Rejection, ...]) -> tuple[Quota, ...]:
    names = {each.reason.detail["quota"] for each in rejected if each.reason.code is Code.QUOTA_SPENT}
    return tuple(quota for quota in quotas if quota.name in names)


def _plan(case: Case, intent: Intent | None = None, reasons: Reasons = (), refusal: Refusal | None = None) -> Plan:
    policy = case.target.policy
    return Plan(
        id=case.request.id,
        snapshot=case.snapshot.version,
        model=case.request.model,
        policy=policy.key if policy is not None else None,
        route=intent.route.name if intent is not None and intent.route is not None else None,
        mode=intent.mode if intent is not None else None,
        reasons=reasons,
        refusal=refusal,
        fallback=policy.fallback if policy is not None else Fallback(),
    )
