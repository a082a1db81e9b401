"""What each span says, by the names of the conventions. Pure."""

from collections.abc import Mapping, Sequence

from opentelemetry.util.types import AttributeValue

from pointsman.core.money import PICOS
from pointsman.core.plan import Candidate, Plan, Reason
from pointsman.core.quota import Usage
from pointsman.core.request import Operation, Request
from pointsman.core.signals import Signals
from pointsman.core.snapshot import Backend
from pointsman.runtime.telemetry import conventions as names
from router_svc.record import GenerationRecord

Attributes = dict[str, AttributeValue]

OPERATIONS: Mapping[Operation, str] = {
    Operation.CHAT: "chat",
    Operation.COMPLETION: "text_completion",
    Operation.EMBEDDINGS: "embeddings",
}


def classified(signals: Signals) -> Attributes:
    """What the classifier said, by the names of published lists."""
    found = signals.classification
    said: Attributes = {names.CLASSIFIER: str(signals.classifier)}
    if signals.language is not None:
        said[names.LANGUAGE] = signals.language
    if found.category:
        said[names.CATEGORY] = str(max(found.category, key=found.category.__getitem__))
    if found.difficulty is not None:
        said[names.DIFFICULTY] = found.difficulty.value
    return said


def asked(operation: str, request: Request, candidate: Candidate, backend: Backend) -> Attributes:
    """What a candidate is asked for."""
    attributes: Attributes = {
        names.OPERATION: operation,
        names.PROVIDER: names.OPENAI,
        names.REQUEST_MODEL: backend.model,
        names.REQUEST_STREAM: request.stream,
        names.BACKEND: candidate.backend,
        names.TIER: candidate.tier,
        names.REASONS: _codes(candidate.reasons),
    }
    if request.max_output_tokens is not None:
        attributes[names.REQUEST_MAX_TOKENS] = request.max_output_tokens
    if request.json:
        attributes[names.OUTPUT_TYPE] = "json"
    if request.session:
        attributes[names.CONVERSATION] = request.session
    if candidate.effort is not None:
        attributes[names.EFFORT] = str(candidate.effort)
    return attributes


def answered(record: GenerationRecord) -> Attributes:
    """What it answered, in numbers and in words of the API."""
    cost = record.attempts[-1].cost if record.attempts else 0
    attributes: Attributes = {**_used(record.usage), names.COST: cost / PICOS}
    if record.first_token is not None:
        attributes[names.FIRST_CHUNK] = record.first_token
    if record.spoken.model:
        attributes[names.RESPONSE_MODEL] = record.spoken.model
    if record.spoken.reasons:
        attributes[names.FINISH_REASONS] = record.spoken.reasons
    return attributes


def _used(usage: Usage) -> Attributes:
    used: Attributes = {names.INPUT_TOKENS: usage.prompt_tokens, names.OUTPUT_TOKENS: usage.completion_tokens}
    if usage.cached_tokens:
        used[names.CACHED_TOKENS] = usage.cached_tokens
    if usage.reasoning_tokens:
        used[names.REASONING_TOKENS] = usage.reasoning_tokens
    if usage.estimated:
        used[names.ESTIMATED] = True
    return used


def decision(plan: Plan) -> Attributes:
    """What holds of the request as a whole. A model's name that nothing has is not repeated: it may be anything."""
    found: Attributes = {names.DECISION: plan.id, names.REASONS: _codes(plan.reasons)}
    known = plan.policy is not None or bool(plan.candidates)
    optional: dict[str, str | None] = {
        names.MODEL_ASKED_FOR: plan.model if known else None,
        names.POLICY: plan.policy,
        names.ROUTE: plan.route,
        names.MODE: plan.mode,
        names.DOWNGRADED: plan.downgraded,
        names.REFUSAL: plan.refusal.code if plan.refusal is not None else None,
    }
    found.update({name: value for name, value in optional.items() if value is not None})
    return found


def _codes(reasons: Sequence[Reason]) -> list[str]:
    return [str(reason.code) for reason in reasons]
