"""Hard constraints: what a backend must satisfy to answer a request at all, in the order in which they are asked.

The order goes from what no waiting can mend to what mends itself, so that the constraint that empties the list, which
the error names, is the one nearest to an answer.
"""

from collections.abc import Callable, Mapping

import msgspec

from pointsman.core.decide.case import Case
from pointsman.core.decide.estimate import expected_cost
from pointsman.core.plan import Code, Reason
from pointsman.core.request import Operation
from pointsman.core.resources.backend import ServedOperation
from pointsman.core.snapshot import Backend, Objective
from pointsman.core.state import BackendState

_SERVED = {
    Operation.CHAT: ServedOperation.CHAT,
    Operation.COMPLETION: ServedOperation.COMPLETION,
    Operation.EMBEDDINGS: ServedOperation.EMBEDDINGS,
}


class Demand(msgspec.Struct, frozen=True):
    """What one tier's backends are held against."""

    case: Case
    objective: Objective
    selectors: tuple[Mapping[str, str], ...]
    """Labels that a backend must carry: of the chosen route, and of the tier's own."""


Detail = Mapping[str, str | int | float]
"""What makes a rejection concrete."""

Constraint = Callable[[Demand, Backend, BackendState], Detail | None]
"""None when the backend satisfies it."""


def serves_operation(demand: Demand, backend: Backend, how: BackendState) -> Detail | None:
    """The model server answers this API."""
    operation = demand.case.request.operation
    if _SERVED[operation] in backend.operations:
        return None
    return {"operation": str(operation)}


def carries_labels(demand: Demand, backend: Backend, how: BackendState) -> Detail | None:
    """Residency and the like."""
    for selector in demand.selectors:
        for label, value in selector.items():
            if backend.labels.get(label) != value:
                return {"label": label, "needed": value}
    return None


def knows_tools(demand: Demand, backend: Backend, how: BackendState) -> Detail | None:
    """Tools are offered only to models that know what to do with them."""
    return {} if demand.case.request.tools and not backend.tools else None


def sees(demand: Demand, backend: Backend, how: BackendState) -> Detail | None:
    """Images go to models that read them."""
    return {} if demand.case.request.vision and not backend.vision else None


def speaks_json(demand: Demand, backend: Backend, how: BackendState) -> Detail | None:
    """A format is asked only of models that keep it."""
    return {} if demand.case.request.json and not backend.json else None


def holds_context(demand: Demand, backend: Backend, how: BackendState) -> Detail | None:
    """Prompt and the answer that the client allows fit the context."""
    request, limit = demand.case.request, backend.context_tokens
    needed = request.prompt_tokens + (request.max_output_tokens or 0)
    if limit is None or needed <= limit:
        return None
    return {"needed": needed, "limit": limit}


def holds_output(demand: Demand, backend: Backend, how: BackendState) -> Detail | None:
    """The answer may be as long as the client allows."""
    needed, limit = demand.case.request.max_output_tokens, backend.output_tokens
    if limit is None or needed is None or needed <= limit:
        return None
    return {"needed": needed, "limit": limit}


def within_cost(demand: Demand, backend: Backend, how: BackendState) -> Detail | None:
    """The expected cost keeps the objective's limit."""
    limit = demand.objective.max_cost
    if limit is None:
        return None
    cost = expected_cost(demand.case.request, backend, demand.case.state.session)
    return {"picos": cost, "limit": limit} if cost > limit else None


def within_first_token(demand: Demand, backend: Backend, how: BackendState) -> Detail | None:
    """Recent times to the first token keep the objective's limit; without recent ones, trying is how they come."""
    limit = demand.objective.max_first_token
    measured = how.first_token
    if limit is None or measured is None or measured <= limit:
        return None
    return {"seconds": round(measured, 3), "limit": limit}


def has_endpoints(demand: Demand, backend: Backend, how: BackendState) -> Detail | None:
    """There is at least one pod or address."""
    return None if how.endpoints else {}


def is_available(demand: Demand, backend: Backend, how: BackendState) -> Detail | None:
    """At least one endpoint's breaker is closed, its health is good, and it did not ask to be left alone."""
    return None if how.available else {}


def is_not_cooling(demand: Demand, backend: Backend, how: BackendState) -> Detail | None:
    """It is not being left alone: rate-limited, out of quota, or refusing the router's credential or model."""
    seconds = how.cooldown
    return {"seconds": round(seconds, 1)} if seconds > 0 else None


CONSTRAINTS: Mapping[Code, Constraint] = {
    Code.WRONG_OPERATION: serves_operation,
    Code.WRONG_LABELS: carries_labels,
    Code.NO_TOOLS: knows_tools,
    Code.NO_VISION: sees,
    Code.NO_JSON: speaks_json,
    Code.CONTEXT_TOO_SHORT: holds_context,
    Code.OUTPUT_TOO_SHORT: holds_output,
    Code.TOO_COSTLY: within_cost,
    Code.TOO_SLOW: within_first_token,
    Code.NO_ENDPOINTS: has_endpoints,
    Code.COOLING_DOWN: is_not_cooling,
    Code.UNAVAILABLE: is_available,
}
"""In the order in which they are asked, by the code of their violation."""


def first_violated(demand: Demand, backend: Backend, how: BackendState) -> Reason | None:
    """The first constraint that the backend does not satisfy."""
    for code, constraint in CONSTRAINTS.items():
        if (detail := constraint(demand, backend, how)) is not None:
            return Reason(code, detail)
    return None
