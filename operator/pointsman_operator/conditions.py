"""The verdict of the compiler and the state of the fleet → the status of an object. Pure.

A status is rewritten only when its meaning changes, so times stay as they are while a condition's status does.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pointsman.core.compile import Condition, Status, Verdict
from pointsman.core.memo import Memo
from pointsman.core.resources.common import Ref
from pointsman.core.resources.status import ConditionType
from pointsman.core.snapshot import Policy
from pointsman_operator.fleet import Fleet, programmed, ready_of
from pointsman_operator.world import World

StatusBody = dict[str, Any]
_MESSAGE = 32_768
_SHOWN = 3


def statuses(world: World, fleet: Fleet, memo: Memo | None = None) -> Iterator[tuple[str, StatusBody]]:
    """Reference and wanted status, without times, of each of Pointsman's objects. With the memo of the time before, a
    status that did not change is the very same value."""
    memo = Memo() if memo is None else memo
    memo.turn()
    hashes = {(each.kind, each.namespace, each.name): each.hash for each in world.wire.manifest.entries}
    ready = ready_of(fleet)
    for verdict in world.compilation.verdicts:
        ref = verdict.ref
        text, name = str(ref), (ref.kind, ref.namespace, ref.name)
        observed = world.observed.get(text)
        if observed is None:
            continue
        generation = int(observed.body["metadata"].get("generation", 0))
        counts = _counts(ref, verdict, world, memo)
        found = world.endpoints.get(f"{ref.namespace}/{ref.name}") if ref.kind == "ModelBackend" else None
        refused = found.refused if found is not None else ()
        in_force = programmed(name, hashes.get(name), ready)
        yield text, memo(name, _status, verdict, in_force, counts, refused, generation)


def _status(
    verdict: Verdict, programmed: Condition, counts: Mapping[str, int], refused: tuple[str, ...], generation: int
) -> StatusBody:
    conditions = {
        ConditionType.ACCEPTED: verdict.accepted,
        ConditionType.RESOLVED_REFS: verdict.resolved_refs,
        ConditionType.PROGRAMMED: programmed,
    }
    conditions[ConditionType.READY] = _ready(conditions, counts, refused)
    return _body(conditions, generation, counts)


def _counts(ref: Ref, verdict: Verdict, world: World, memo: Memo) -> Mapping[str, int]:
    """What is there to answer with."""
    key = f"{ref.namespace}/{ref.name}"
    if ref.kind == "ModelBackend":
        found = world.endpoints.get(key)
        return {"readyEndpoints": len(found.endpoints) if found is not None else 0}
    backends = memo(key, _backends, world.compilation.snapshot.policies.get(key))
    live = sum(bool(world.endpoints[backend].endpoints) for backend in backends if backend in world.endpoints)
    return {"routes": verdict.routes, "backends": verdict.backends, "readyBackends": live}


def _backends(policy: Policy | None) -> frozenset[str]:
    return policy.backend_keys() if policy is not None else frozenset()


def _ready(
    conditions: Mapping[ConditionType, Condition], counts: Mapping[str, int], refused: tuple[str, ...]
) -> Condition:
    """The summary: the first condition that does not hold says why."""
    for kind, condition in conditions.items():
        if condition.status is not Status.TRUE:
            message = condition.message or f"The condition {kind} does not hold"
            return Condition(condition.status, condition.reason, message)
    if counts.get("readyEndpoints") == 0 and refused:
        return Condition(
            Status.FALSE, "AddressRefused", f"No endpoint may be connected to: {', '.join(refused[:_SHOWN])}"
        )
    if counts.get("readyEndpoints") == 0:
        return Condition(Status.FALSE, "NoEndpoints", "No endpoint is ready: look at the Service and its pods")
    if counts.get("readyBackends") == 0:
        return Condition(Status.FALSE, "NoReadyBackends", "No backend of this policy has a ready endpoint")
    return Condition(Status.TRUE, "Ready")


def _body(conditions: Mapping[ConditionType, Condition], generation: int, counts: Mapping[str, int]) -> StatusBody:
    return {
        "observedGeneration": generation,
        "conditions": [
            {
                "type": kind.value,
                "status": condition.status.value,
                "observedGeneration": generation,
                "reason": condition.reason,
                "message": condition.message[:_MESSAGE],
            }
            for kind, condition in conditions.items()
        ],
        **counts,
    }


def timed(wanted: StatusBody, current: Mapping[str, Any], now: str) -> StatusBody | None:
    """The wanted status with its times; None when the current one means the same. `now` as RFC 3339."""
    before = {each.get("type"): each for each in current.get("conditions") or ()}
    conditions = [
        {**each, "lastTransitionTime": _since(each, before.get(each["type"], {}), now)} for each in wanted["conditions"]
    ]
    new = {**wanted, "conditions": conditions}
    old = {**current, "conditions": [before.get(each["type"]) for each in conditions]}
    return None if new == old else new


def _since(wanted: Mapping[str, Any], before: Mapping[str, Any], now: str) -> str:
    same = before.get("status") == wanted["status"] and "lastTransitionTime" in before
    return str(before["lastTransitionTime"]) if same else now
