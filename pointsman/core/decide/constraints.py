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


Constraint = Callable[[Demand, Backend, BackendState], Reason | None]


def serves_operation(demand: Demand, backend: Backend, how: BackendState) -> Reason | None:
    """The model server answers this API."""
    operation = demand.case.request.operation
    if _SERVED[operation] in backend.operations:
        return None
    return Reason(Code.WRONG_OPERATION, {"operation": str(operation)})


def carries_labels(demand: Demand, backend: Backend, how: BackendState) -> Reason | None:
    """Residency and the like."""
    for selector in demand.selectors:
        for label, value in selector.items():
            if backend.labels.get(label) != value:
                return Reason(Code.WRONG_LABELS, {"label": label, "needed": value})
    return None


def knows_tools(demand: Demand, backend: Backend, how: BackendState) -> Reason | None:
    """Tools are offered only to models that know what to do with them."""
    return Reason(Code.NO_TOOLS) if demand.case.request.tools and not backend.tools else None


def sees(demand: Demand, backend: Backend, how: BackendState) -> Reason | None:
    """Images go to models that read them."""
    return Reason(Code.NO_VISION) if demand.case.request.vision and not backend.vision else None


def speaks_json(demand: Demand, backend: Backend, how: BackendState) -> Reason | None:
    """A format is asked only of models that keep it."""
    return Reason(Code.NO_JSON) if demand.case.request.json and not backend.json else None


def holds_context(demand: Demand, backend: Backend, how: BackendState) -> Reason | None:
    """Prompt and the answer that the client allows fit the context."""
    request, limit = demand.case.request, backend.context_tokens
    needed = request.prompt_tokens + (request.max_output_tokens or 0)
    if limit is None or needed <= limit:
        return None
    return Reason(Code.CONTEXT_TOO_SHORT, {"needed": needed, "limit": limit})


def holds_output(demand: Demand, backend: Backend, how: BackendState) -> Reason | None:
    """The answer may be as long as the client allows."""
    needed, limit = demand.case.request.max_output_tokens, backend.output_tokens
    if limit is None or needed is None or needed <= limit:
        return None
    return Reason(Code.OUTPUT_TOO_SHORT, {"needed": needed, "limit": limit})


def within_cost(demand: Demand, backend: Backend, how: BackendState) -> Reason | None:
    """The expected cost keeps the objective's limit."""
    limit = demand.objective.max_cost
    if limit is None:
        return None
    cost = expected_cost(demand.case.request, backend, demand.case.state.session)
    return Reason(Code.TOO_COSTLY, {"picos": cost, "limit": limit}) if cost > limit else None


def within_first_token(demand: Demand, backend: Backend, how: BackendState) -> Reason | None:
    """Recent times to the first token keep the objective's limit; without recent ones, trying is how they come."""
    limit = demand.objective.max_first_token
    measured = how.first_token
    if limit is None or measured is None or measured <= limit:
        return None
    return Reason(Code.TOO_SLOW, {"seconds": round(measured, 3), "limit": limit})


def has_endpoints(demand: Demand, backend: Backend, how: BackendState) -> Reason | None:
    """There is at least one pod or address."""
    return None if how.endpoints else Reason(Code.NO_ENDPOINTS)


def is_available(demand: Demand, backend: Backend, how: BackendState) -> Reason | None:
    """At least one endpoint's breaker is closed and its health is good."""
    return None if how.available else Reason(Code.UNAVAILABLE)


def is_not_cooling(demand: Demand, backend: Backend, how: BackendState) -> Reason | None:
    """It did not ask to be left alone (Retry-After)."""
    seconds = how.cooldown
    return Reason(Code.COOLING_DOWN, {"seconds": round(seconds, 1)}) if seconds > 0 else None


CONSTRAINTS: tuple[Constraint, ...] = (
    serves_operation,
    carries_labels,
    knows_tools,
    sees,
    speaks_json,
    holds_context,
    holds_output,
    within_cost,
    within_first_token,
    has_endpoints,
    is_available,
    is_not_cooling,
)


def first_violated(demand: Demand, backend: Backend, how: BackendState) -> Reason | None:
    """The first constraint that the backend does not satisfy."""
    for constraint in CONSTRAINTS:
        if (reason := constraint(demand, backend, how)) is not None:
            return reason
    return None
