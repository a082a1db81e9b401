"""The whole plan, for `x-pointsman-explain: true`: beside `choices` in a JSON answer, one more event in a stream.

What the model server sent stays byte for byte as it was.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from typing import Any

import msgspec

from pointsman.core.money import decimal
from pointsman.core.plan import Candidate, Plan, Reason
from pointsman.core.request import Operation
from pointsman.core.signals import Score, Signals
from router_svc import sse

_STREAM_OBJECTS = {Operation.CHAT: "chat.completion.chunk", Operation.COMPLETION: "text_completion"}


class Attempt(msgspec.Struct, frozen=True):
    """A try that failed."""

    backend: str
    outcome: str
    """A trigger, or "Rejected" for a failure that no other candidate could mend."""
    message: str


class Explanation(msgspec.Struct, frozen=True):
    """What was known of a request, what was decided from it, and what failed before it was answered."""

    plan: Plan
    signals: Signals
    failed: tuple[Attempt, ...] = ()


def describe(explanation: Explanation) -> dict[str, Any]:
    """The explanation as plain values, in OpenAI's spelling. Money is a decimal string. No text of the request."""
    plan = explanation.plan
    return {
        "decision_id": plan.id,
        "snapshot": plan.snapshot,
        "requested_model": plan.model,
        "policy": plan.policy,
        "route": plan.route,
        "mode": plan.mode,
        "downgraded": plan.downgraded,
        "reasons": _reasons(plan.reasons),
        "signals": _signals(explanation.signals),
        "candidates": [_candidate(candidate) for candidate in plan.candidates],
        "rejected": [{"backend": no.backend, **_reason(no.reason)} for no in plan.rejected],
        "failed": [msgspec.to_builtins(attempt) for attempt in explanation.failed],
    }


def in_body(body: bytes, explanation: Explanation) -> bytes:
    """The JSON answer with one more field, `pointsman`; an answer that is no object is returned as it is."""
    text = body.strip()
    if not (text.startswith(b"{") and text.endswith(b"}")):
        return body
    head = text[:-1].rstrip()
    comma = b"" if head == b"{" else b","
    return head + comma + b'"pointsman":' + msgspec.json.encode(describe(explanation)) + b"}"


async def in_stream(
    events: AsyncIterator[bytes], operation: Operation, explanation: Explanation
) -> AsyncIterator[bytes]:
    """The stream with one more event before its [DONE], if it has one. To close this closes `events`."""
    async with aclosing(events):  # type: ignore[type-var]  # streams of the data plane can all be closed
        async for event in events:
            if sse.is_done(event):
                yield _event(operation, explanation)
            yield event


def _event(operation: Operation, explanation: Explanation) -> bytes:
    """A chunk without choices, as the one that reports usage, so that every client reads past it."""
    chunk = {
        "id": explanation.plan.id,
        "object": _STREAM_OBJECTS.get(operation, "chat.completion.chunk"),
        "created": 0,
        "model": explanation.plan.model,
        "choices": [],
        "pointsman": describe(explanation),
    }
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "backend": candidate.backend,
        "effort": candidate.effort.value if candidate.effort else None,
        "tier": candidate.tier,
        "priority": candidate.priority,
        "quality": round(candidate.quality, 4),
        "cost": decimal(candidate.cost),
        "reasons": _reasons(candidate.reasons),
    }


def _reasons(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    return [_reason(reason) for reason in reasons]


def _reason(reason: Reason) -> dict[str, Any]:
    return {"code": reason.code.value, "detail": dict(reason.detail)}


def _signals(signals: Signals) -> dict[str, Any]:
    known = signals.classification
    return {
        "language": signals.language,
        "language_confidence": round(signals.language_confidence, 4),
        "phrase_mode": signals.phrase_mode,
        "matched": sorted(signals.matched),
        "classifier": signals.classifier.value,
        "routes": _rounded(known.routes),
        "category": _rounded(known.category),
        "difficulty": _score(known.difficulty),
        "reasoning": _score(known.reasoning),
        "tool_need": _score(known.tool_need),
        "commercial": _score(known.commercial),
        "gain": None if known.gain is None else round(known.gain, 4),
        "guard": {name: round(value, 4) for name, value in known.guard.items()},
    }


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {str(name): round(score, 4) for name, score in sorted(scores.items(), key=lambda item: -item[1])}


def _score(score: Score | None) -> dict[str, float] | None:
    return {"value": round(score.value, 4), "confidence": round(score.confidence, 4)} if score else None
