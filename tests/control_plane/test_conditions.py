"""Statuses: goldens from the compiler's cases, times that stay, and Events only for what turned."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pointsman_operator.conditions import statuses, timed
from pointsman_operator.events import event_for
from pointsman_operator.fleet import Fleet, Follower, programmed, ready_of
from pointsman_operator.world import World

from pointsman.core.compile import Claim, Condition, Installation, Status
from tests.control_plane.observed import bodies, world_of

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted((GOLDEN / "compile").iterdir())
INSTALLATION = Installation(
    external_hosts=("*.example.com",), api_server=("10.96.0.1",), claims=(Claim("gpt-*", ("ai",)),)
)
NAME = ("RoutingPolicy", "ai", "chat")
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
SMALL = """
apiVersion: pointsman.dev/v1alpha1
kind: ModelBackend
metadata: {name: small, namespace: ai}
spec: {model: small, endpoints: {serviceRef: {name: small, port: 80}}}
---
apiVersion: v1
kind: Service
metadata: {name: small, namespace: ai}
spec: {ports: [{port: 80}]}
---
apiVersion: pointsman.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: chat, namespace: ai}
spec: {virtualModels: [auto], default: {backends: [{name: small}]}}
"""
SLICE = """
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: small-1, namespace: ai, labels: {kubernetes.io/service-name: small}}
addressType: IPv4
ports: [{name: "", port: 8000}]
endpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.2], conditions: {ready: false}}]
"""


def everywhere(world: World, routers: int = 2) -> Fleet:
    holds = {(each.kind, each.namespace, each.name): each.hash for each in world.wire.manifest.entries}
    return tuple(Follower(f"router-{number}", ready=True, holds=holds) for number in range(routers))


def status_of(text: str, ref: str, fleet: Fleet | None = None) -> dict[str, Any]:
    world = world_of(bodies(text), INSTALLATION)
    return dict(statuses(world, everywhere(world) if fleet is None else fleet))[ref]


def ready(status: dict[str, Any]) -> tuple[str, str]:
    condition = status["conditions"][-1]
    assert condition["type"] == "Ready"
    return condition["status"], condition["reason"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_statuses_of(case: Path, golden: Callable[[Path, str], None]) -> None:
    world = world_of(bodies((case / "input.yaml").read_text()), INSTALLATION)
    found = dict(statuses(world, everywhere(world)))
    golden(GOLDEN / "conditions" / f"{case.name}.json", json.dumps(found, indent=2, ensure_ascii=False) + "\n")


def test_ready_needs_an_endpoint() -> None:
    assert ready(status_of(SMALL, "ModelBackend ai/small")) == ("False", "NoEndpoints")
    assert ready(status_of(SMALL, "RoutingPolicy ai/chat")) == ("False", "NoReadyBackends")
    assert ready(status_of(SMALL + SLICE, "ModelBackend ai/small")) == ("True", "Ready")
    policy = status_of(SMALL + SLICE, "RoutingPolicy ai/chat")
    assert ready(policy) == ("True", "Ready")
    assert (policy["routes"], policy["backends"], policy["readyBackends"]) == (0, 1, 1)
    assert status_of(SMALL + SLICE, "ModelBackend ai/small")["readyEndpoints"] == 1


def test_ready_is_unknown_until_a_router_follows() -> None:
    assert ready(status_of(SMALL + SLICE, "RoutingPolicy ai/chat", fleet=())) == ("Unknown", "NoRouters")


@pytest.mark.parametrize(
    ("fleet", "expected"),
    [
        ((), Condition(Status.UNKNOWN, "NoRouters", "No ready router follows the control plane yet")),
        ((Follower("a", True, {NAME: "x"}),), Condition(Status.TRUE, "Programmed", "In force on every ready router")),
        (
            (Follower("a", True, {NAME: "x"}), Follower("b", False)),
            Condition(Status.TRUE, "Programmed", "In force on every ready router"),
        ),
        (
            (Follower("a", True, {NAME: "x"}), Follower("b", True, {NAME: "old"})),
            Condition(Status.FALSE, "Pending", "In force on 1 of 2 ready routers"),
        ),
        (
            (Follower("a", True, {NAME: "x"}), Follower("b", True, {NAME: "old"}, "it lacks the feature quotas")),
            Condition(
                Status.FALSE,
                "Refused",
                "In force on 1 of 2 ready routers; refused by b: it lacks the feature quotas",
            ),
        ),
    ],
    ids=["nobody", "all", "an unready one does not count", "one behind", "one refused"],
)
def test_programmed_waits_for_every_ready_router(fleet: Fleet, expected: Condition) -> None:
    assert programmed(NAME, "x", ready_of(fleet)) == expected
    assert programmed(NAME, None, ready_of(fleet)).reason == "NotAccepted"


def test_a_status_is_rewritten_only_when_its_meaning_changes() -> None:
    wanted = status_of(SMALL, "ModelBackend ai/small")
    first = timed(wanted, {}, EARLY)
    assert first is not None
    assert {condition["lastTransitionTime"] for condition in first["conditions"]} == {EARLY}
    assert timed(wanted, first, LATE) is None
    turned = {**first, "conditions": first["conditions"][::-1]}
    assert timed(wanted, turned, LATE) is None, "the order of a list-map means nothing"
    assert timed(wanted, {**first, "readyEndpoints": 9}, LATE) is not None


def test_times_change_only_with_the_condition() -> None:
    first = timed(status_of(SMALL, "ModelBackend ai/small"), {}, EARLY)
    assert first is not None
    second = timed(status_of(SMALL + SLICE, "ModelBackend ai/small"), first, LATE)
    assert second is not None
    times = {condition["type"]: condition["lastTransitionTime"] for condition in second["conditions"]}
    assert times == {"Accepted": EARLY, "ResolvedRefs": EARLY, "Programmed": EARLY, "Ready": LATE}


def test_an_event_says_what_matters_most() -> None:
    world = world_of(bodies(SMALL), INSTALLATION)
    observed = world.observed["ModelBackend ai/small"]
    before = timed(status_of(SMALL, "ModelBackend ai/small"), {}, EARLY)
    after = timed(status_of(SMALL + SLICE, "ModelBackend ai/small"), before or {}, LATE)
    assert before is not None
    assert after is not None
    bad = event_for(observed, {}, before, "operator-1", LATE)
    good = event_for(observed, before, after, "operator-1", LATE)
    assert bad is not None
    assert good is not None
    assert (bad["type"], bad["reason"], bad["regarding"]["uid"]) == ("Warning", "NoEndpoints", observed.uid)
    assert (good["type"], good["reason"]) == ("Normal", "Ready")
    assert event_for(observed, after, after, "operator-1", LATE) is None
