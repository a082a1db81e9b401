"""What a client is told when nothing is tried: what stood in the way, by name, and what would help."""

from collections import Counter
from collections.abc import Sequence

from pointsman.core.decide.case import Case
from pointsman.core.decide.charges import Bill
from pointsman.core.decide.constraints import CONSTRAINTS
from pointsman.core.plan import Code, Refusal, RefusalKind, Rejection
from pointsman.core.request import Request
from pointsman.core.resolve import known_models, no_such_model
from pointsman.core.snapshot import Policy, Quota, Snapshot

_ASKED_TOO_MUCH: dict[Code, tuple[str, str]] = {
    Code.WRONG_OPERATION: ("operation_not_supported", "serve this API"),
    Code.NO_TOOLS: ("tools_not_supported", "use tools"),
    Code.NO_VISION: ("vision_not_supported", "read images"),
    Code.NO_JSON: ("json_not_supported", "keep to a JSON format"),
    Code.CONTEXT_TOO_SHORT: ("context_length_exceeded", "hold a prompt and answer of this length"),
    Code.OUTPUT_TOO_SHORT: ("max_tokens_too_large", "give an answer as long as max_tokens allows"),
}
"""Constraints that the client can meet by asking for less, with the error's code and what was missing."""

_NOT_NOW: dict[Code, tuple[str, str]] = {
    Code.WRONG_LABELS: ("no_backend_selected", "carry the labels that the policy's backendSelector needs"),
    Code.TOO_COSTLY: ("max_cost_exceeded", "keep the policy's maxCost"),
    Code.TOO_SLOW: ("max_first_token_exceeded", "keep the policy's maxFirstToken"),
    Code.NO_ENDPOINTS: ("no_endpoints", "have endpoints"),
    Code.COOLING_DOWN: (
        "backends_cooling_down",
        "take requests: they are rate-limited, out of quota, or refuse the router's credential or model",
    ),
    Code.UNAVAILABLE: ("backends_unavailable", "are well: their endpoints failed recently"),
}
"""Constraints that the installation must meet, or that mend themselves."""

_LABELS = {**_ASKED_TOO_MUCH, **_NOT_NOW}
_ORDER = list(CONSTRAINTS)
"""The last constraint that rejected a backend emptied the list."""


def nothing_left(case: Case, rejected: Sequence[Rejection]) -> Refusal:
    """Name the constraint that emptied the list."""
    what = f"policy {case.target.policy.key}" if case.target.policy is not None else ""
    if case.target.backend is not None:
        what = f"model {case.request.model!r}"
    codes = [rejection.reason.code for rejection in rejected if rejection.reason.code in _LABELS]
    if not codes:
        return Refusal(RefusalKind.NO_CANDIDATE, f"{what} names no backend that exists", "no_backend")
    emptied = max(codes, key=_ORDER.index)
    code, missing = _LABELS[emptied]
    counts = ", ".join(f"{count} {each}" for each, count in sorted(Counter(codes).items()))
    return Refusal(
        RefusalKind.INVALID if emptied in _ASKED_TOO_MUCH else RefusalKind.NO_CANDIDATE,
        f"no backend of {what} can answer: none of the remaining ones {missing} (rejected: {counts})",
        code,
        retry_after=_retry_after(emptied, rejected),
    )


def unknown_model(snapshot: Snapshot, request: Request) -> Refusal:
    """List what exists, as far as the key may know."""
    message = no_such_model(request.model, (name for name, _ in known_models(snapshot, request.rights)))
    base, _, mode = request.model.rpartition(":")
    policy = snapshot.virtual_names.get(base)
    if policy is not None and request.rights.allow(base):
        modes = ", ".join(f"{base}:{each.name}" for each in policy.modes) or "none"
        message = f"model {base!r} has no mode {mode!r}; it has: {modes}"
    return Refusal(RefusalKind.UNKNOWN_MODEL, message, "model_not_found")


def pin_denied(case: Case) -> Refusal:
    """Name the virtual models to ask for instead."""
    assert case.target.policy is not None, "only a policy denies"
    virtual = ", ".join(case.target.policy.virtual_models)
    message = f"policy {case.target.policy.key} does not let you pin {case.request.model!r}; ask for {virtual}"
    return Refusal(RefusalKind.FORBIDDEN, message, "model_not_allowed")


def mode_denied(policy: Policy, request: Request) -> Refusal:
    """Name the model to ask for instead."""
    base = request.model.rpartition(":")[0]
    message = f"policy {policy.key} does not let you choose a mode; ask for {base!r}"
    return Refusal(RefusalKind.FORBIDDEN, message, "mode_not_allowed")


def policy_broken(policy: Policy) -> Refusal:
    """Nothing that the policy refers to resolved."""
    return Refusal(RefusalKind.NO_CANDIDATE, policy.problem, "policy_broken", retry_after=10.0)


def classifier_unavailable(policy: Policy) -> Refusal:
    """The policy prefers an error to a guess."""
    message = f"the classifier gave no answer and policy {policy.key} says onFailure: Reject; try again"
    return Refusal(RefusalKind.CLASSIFIER, message, "classifier_unavailable", retry_after=1.0)


def quota_exceeded(case: Case, quota: Quota) -> Refusal:
    """The subject's quota is spent; say for how long."""
    assert case.target.policy is not None, "only a policy has quotas"
    (charge,) = Bill(case.target.policy, (quota,), case.request).charges(0)
    balance = case.state.balances.get(charge.key)
    message = f"quota {quota.name!r} of policy {case.target.policy.key} is spent"
    if charge.amount > charge.limit:
        message = f"this request needs more than the whole quota {quota.name!r} of policy {case.target.policy.key}"
    retry_after = balance.resets_after if balance is not None else 0.0
    return Refusal(RefusalKind.QUOTA_EXCEEDED, message, "quota_exceeded", retry_after=retry_after or None)


def _retry_after(emptied: Code, rejected: Sequence[Rejection]) -> float | None:
    if emptied in _ASKED_TOO_MUCH or emptied in (Code.WRONG_LABELS, Code.TOO_COSTLY):
        return None  # to wait does not help
    cooldowns = [float(each.reason.detail["seconds"]) for each in rejected if each.reason.code is Code.COOLING_DOWN]
    return min(cooldowns, default=1.0)
