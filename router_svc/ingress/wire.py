"""The core's values as protobuf messages."""

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from pointsman.core.plan import Candidate, Plan, Reason, Refusal
from pointsman.core.quota import Usage
from pointsman.core.request import Effort, Operation
from pointsman.core.signals import Score, Signals
from pointsman.v1 import router_pb2 as pb
from router_svc.openai import headers
from router_svc.openai.explain import Explanation

OPERATIONS = {
    pb.OPERATION_UNSPECIFIED: Operation.CHAT,
    pb.OPERATION_CHAT: Operation.CHAT,
    pb.OPERATION_COMPLETION: Operation.COMPLETION,
    pb.OPERATION_EMBEDDINGS: Operation.EMBEDDINGS,
}

_EFFORTS = {
    Effort.NONE: pb.REASONING_EFFORT_NONE,
    Effort.MINIMAL: pb.REASONING_EFFORT_MINIMAL,
    Effort.LOW: pb.REASONING_EFFORT_LOW,
    Effort.MEDIUM: pb.REASONING_EFFORT_MEDIUM,
    Effort.HIGH: pb.REASONING_EFFORT_HIGH,
    Effort.X_HIGH: pb.REASONING_EFFORT_X_HIGH,
}


def facts(found: Mapping[str, str]) -> pb.Facts:
    """What the x-pointsman-* headers of an answer say."""
    value = {name: unquote(text) for name, text in found.items()}
    return pb.Facts(
        decision_id=value.get(headers.DECISION_ID, ""),
        model=value.get(headers.MODEL, ""),
        backend=value.get(headers.BACKEND, ""),
        route=value.get(headers.ROUTE, ""),
        reason=[code for code in value.get(headers.REASON, "").split(",") if code],
        downgraded=value.get(headers.DOWNGRADED, ""),
        attempts=int(value.get(headers.ATTEMPTS, "0")),
    )


def ending(found: Mapping[str, str], usage: Usage) -> pb.Ending:
    """The last message of an answer."""
    used = pb.Usage(
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=usage.cached_tokens,
        completion_tokens=usage.completion_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        estimated=usage.estimated,
    )
    return pb.Ending(facts=facts(found), usage=used)


def decision(plan: Plan) -> pb.DecideResponse:
    """A plan with candidates."""
    return pb.DecideResponse(
        decision_id=plan.id,
        snapshot=plan.snapshot,
        policy=plan.policy or "",
        route=plan.route or "",
        mode=plan.mode or "",
        downgraded=plan.downgraded or "",
        reasons=_reasons(plan.reasons),
        candidates=[_candidate(candidate) for candidate in plan.candidates],
    )


def explanation(explained: Explanation) -> pb.ExplainResponse:
    """Everything that was known and weighed."""
    plan = explained.plan
    return pb.ExplainResponse(
        decision_id=plan.id,
        snapshot=plan.snapshot,
        requested_model=plan.model,
        policy=plan.policy or "",
        route=plan.route or "",
        mode=plan.mode or "",
        downgraded=plan.downgraded or "",
        reasons=_reasons(plan.reasons),
        signals=_signals(explained.signals),
        candidates=[_candidate(candidate) for candidate in plan.candidates],
        rejected=[pb.Rejection(backend=no.backend, reason=_reason(no.reason)) for no in plan.rejected],
        refusal=_refusal(plan.refusal) if plan.refusal else None,
    )


def _candidate(candidate: Candidate) -> pb.Candidate:
    return pb.Candidate(
        backend=candidate.backend,
        effort=_EFFORTS[candidate.effort] if candidate.effort else pb.REASONING_EFFORT_UNSPECIFIED,
        quality=candidate.quality,
        cost_picos=candidate.cost,
        tier=candidate.tier,
        priority=candidate.priority,
        reasons=_reasons(candidate.reasons),
    )


def _reasons(reasons: Iterable[Reason]) -> list[pb.Reason]:
    return [_reason(reason) for reason in reasons]


def _reason(reason: Reason) -> pb.Reason:
    return pb.Reason(code=reason.code.value, detail={name: str(value) for name, value in reason.detail.items()})


def _refusal(refusal: Refusal) -> pb.Refusal:
    return pb.Refusal(code=refusal.code, message=refusal.message, retry_after_seconds=refusal.retry_after)


def _signals(signals: Signals) -> pb.Signals:
    known = signals.classification
    return pb.Signals(
        language=signals.language or "",
        language_confidence=signals.language_confidence,
        phrase_mode=signals.phrase_mode or "",
        matched=sorted(signals.matched),
        classifier=signals.classifier.value,
        routes=known.routes,
        category={str(name): share for name, share in known.category.items()},
        difficulty=_score(known.difficulty),
        reasoning=_score(known.reasoning),
        tool_need=_score(known.tool_need),
        commercial=_score(known.commercial),
        gain=known.gain,
        guard=known.guard,
    )


def _score(score: Score | None) -> pb.Score | None:
    return pb.Score(value=score.value, confidence=score.confidence) if score else None
