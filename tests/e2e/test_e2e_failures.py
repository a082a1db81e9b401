"""Things end under load: routers are replaced, operators and a model server's pod deleted. No request fails by it."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e import memory
from tests.e2e.clients import ASK, LOAD
from tests.e2e.installation import NAMESPACE, RELEASE, Installation
from tests.support.waiting import eventually

URL = f"http://{RELEASE}-router.{NAMESPACE}.svc/v1"
RATE = float(os.environ.get("POINTSMAN_E2E_RATE", "100"))
"""Requests a second."""


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


def loaded(
    pool: ThreadPoolExecutor, installation: Installation, seconds: float, streams: int = 0
) -> Future[dict[str, Any]]:
    """Requests from a pod, beginning now; what became of them."""
    arguments = (URL, installation.keys["paid"], str(RATE), str(seconds), str(streams), "auto-steady", "auto-slow")
    return pool.submit(installation.client, LOAD, *arguments, seconds=seconds + 200)


def test_routers_are_replaced_under_load(steady: Installation, pool: ThreadPoolExecutor) -> None:
    before = {pod["metadata"]["name"] for pod in steady.pods("router")}
    seconds = 100  # until the last of the old routers has closed its connections and gone
    running = loaded(pool, steady, seconds, streams=8)
    with memory.told_at_most(steady, f"at {RATE:.0f} requests/s and 8 streams"):
        steady.access.kubectl("rollout", "restart", "-n", NAMESPACE, f"deployment/{RELEASE}-router")
        steady.rolled_out(f"{RELEASE}-router")
        told = running.result()
    assert told.get("failed", 0) == 0, told
    assert told["ok"] == int(RATE * seconds) + 8
    assert before.isdisjoint(pod["metadata"]["name"] for pod in steady.pods("router"))


def test_the_operators_are_deleted_under_load(steady: Installation, pool: ThreadPoolExecutor) -> None:
    running = loaded(pool, steady, 15)
    selector = "app.kubernetes.io/component=operator"
    steady.access.kubectl("delete", "pods", "-n", NAMESPACE, "-l", selector, "--grace-period=1", "--wait=false")
    told = running.result()
    assert told.get("failed", 0) == 0, told
    steady.rolled_out(f"{RELEASE}-operator")


def test_a_pod_of_a_model_server_is_deleted_under_load(steady: Installation, pool: ThreadPoolExecutor) -> None:
    running = loaded(pool, steady, 15)
    [first, *_] = steady.access.get("pods", "-n", "demo", "-l", "app=steady")["items"]
    steady.access.kubectl("delete", "pod", "-n", "demo", first["metadata"]["name"], "--wait=false")
    told = running.result()
    assert told.get("failed", 0) == 0, told
    steady.rolled_out("steady", "demo")


def test_a_backend_is_scaled_up_and_to_nothing(installation: Installation) -> None:
    """Its pods share the work; without pods the next candidate answers."""
    kubectl = installation.access.kubectl
    chat = [{"text": f"Hi, how are you today? {n}"} for n in range(24)]
    arguments = (ASK, URL, installation.keys["paid"], json.dumps(chat))
    kubectl("scale", "-n", "demo", "deployment/flaky", "--replicas=3")
    installation.rolled_out("flaky", "demo")
    eventually(lambda: installation.live("flaky") == 3, "three endpoints")
    try:
        assert {each["backend"] for each in installation.client(*arguments)} == {"demo/flaky"}
        assert all(installation.received("flaky")), installation.received("flaky")
    finally:
        kubectl("scale", "-n", "demo", "deployment/flaky", "--replicas=0")
    eventually(lambda: installation.live("flaky") == 0, "no endpoints")
    assert {each["backend"] for each in installation.client(*arguments)} == {"demo/small"}
    kubectl("scale", "-n", "demo", "deployment/flaky", "--replicas=1")
    installation.rolled_out("flaky", "demo")
    eventually(lambda: installation.live("flaky") == 1, "one endpoint")


def test_a_broken_reference_is_said_and_the_rest_stays_in_force(installation: Installation) -> None:
    spec = {"virtualModels": ["auto-broken"], "default": {"backends": [{"name": "ghost"}, {"name": "small"}]}}
    policy = {"apiVersion": "pointsman.dev/v1alpha1", "kind": "RoutingPolicy", "spec": spec}
    installation.access.apply(json.dumps(policy | {"metadata": {"name": "broken", "namespace": "demo"}}))

    def refused() -> dict[str, Any] | None:
        found = installation.condition("routingpolicy", "broken", "ResolvedRefs")
        return found if found.get("status") == "False" else None

    said = eventually(refused, "a condition", 30)
    assert said["reason"] == "RefNotFound"
    assert "ghost" in said["message"]
    asked = [{"text": "Hello", "model": "auto-broken"}, {"text": "Write a Python function."}]
    eventually(lambda: installation.condition("routingpolicy", "broken", "Programmed").get("status") == "True", "it")
    told = installation.client(ASK, URL, installation.keys["paid"], json.dumps(asked))
    assert [each["backend"] for each in told] == ["demo/small", "demo/large"]
    installation.access.kubectl("delete", "routingpolicy", "-n", "demo", "broken")
