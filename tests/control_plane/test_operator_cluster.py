"""The operator as a real process on a real API server: what it writes, and that it writes nothing else."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pointsman_operator import handlers
from pointsman_operator.api import Api
from pointsman_operator.fleet import Fleet
from pointsman_operator.metrics import Metrics
from pointsman_operator.reporter import Reporter
from pointsman_operator.resync import Resync
from pointsman_operator.store import Store
from pointsman_operator.watched import WATCHED
from pointsman_operator.world import Builder

from pointsman.core.compile import Installation
from tests.cluster.access import Access
from tests.control_plane.calls import Caller
from tests.control_plane.fresh import fresh_version
from tests.control_plane.objects import BACKEND, policy
from tests.control_plane.process import OperatorProcess, RouterProcess
from tests.control_plane.streams import Router
from tests.support.waiting import eventually

POLICY = policy("small", "ghost")
SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "small", "namespace": "ai"},
    "spec": {"clusterIP": "None", "ports": [{"port": 80}]},
}
SLICE: dict[str, Any] = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "small-1", "namespace": "ai", "labels": {"kubernetes.io/service-name": "small"}},
    "addressType": "IPv4",
    "ports": [{"name": "", "port": 8000}],
    "endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}],
}


@pytest.fixture
def operator(with_namespace: Access, tmp_path: Path) -> Iterator[OperatorProcess]:
    running = OperatorProcess(with_namespace.kubeconfig, tmp_path / "operator.log", "--resync", "1").wait_ready()
    yield running.wait_leading()
    assert running.stop() == 0, (tmp_path / "operator.log").read_text()[-3000:]


@pytest.fixture
def served(caller: Caller) -> Iterator[None]:
    """A Service with two endpoints."""
    for body in (SERVICE, SLICE):
        status, answer = caller.create(body)
        assert status == 201, answer
    yield
    for body in (SLICE, SERVICE):
        caller.delete(body)


def conditions(caller: Caller, body: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Status and reason by type."""
    status = caller.get(body["kind"], "ai", body["metadata"]["name"])["status"]
    return {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}


def wait_for(caller: Caller, body: dict[str, Any], kind: str, reason: str) -> dict[str, Any]:
    """The object, once the condition has the reason."""
    eventually(lambda: conditions(caller, body)[kind][1] == reason, f"{kind} by {reason}")
    return dict(caller.get(body["kind"], "ai", body["metadata"]["name"]))


@pytest.mark.usefixtures("served")
def test_statuses_events_and_snapshot(operator: OperatorProcess, caller: Caller, with_namespace: Access) -> None:
    caller.create(BACKEND)
    caller.create(POLICY)
    backend = wait_for(caller, BACKEND, "Accepted", "Accepted")
    policy = wait_for(caller, POLICY, "ResolvedRefs", "RefNotFound")
    assert conditions(caller, BACKEND) == {
        "Accepted": ("True", "Accepted"),
        "ResolvedRefs": ("True", "ResolvedRefs"),
        "Programmed": ("Unknown", "NoRouters"),
        "Ready": ("Unknown", "NoRouters"),
    }
    assert backend["status"]["readyEndpoints"] == 2
    assert backend["status"]["observedGeneration"] == backend["metadata"]["generation"]
    assert {key: policy["status"][key] for key in ("routes", "backends", "readyBackends")} == {
        "routes": 0,
        "backends": 1,
        "readyBackends": 1,
    }
    message = next(each for each in policy["status"]["conditions"] if each["type"] == "ResolvedRefs")["message"]
    fix = "Create it, or remove the reference"
    assert message == f"spec.default.backends[1].name: there is no ModelBackend ai/ghost. {fix}"

    event = eventually(lambda: _events(with_namespace, policy["metadata"]["uid"]), "an event")[0]
    assert (event["type"], event["reason"]) == ("Warning", "RefNotFound")
    assert "ghost" in event["note"]

    eventually(lambda: operator.snapshot()["version"] == fresh_version(caller), "the snapshot of a fresh compile")
    assert [each["name"] for each in operator.snapshot()["objects"]] == ["small", "chat"]


def _events(access: Access, uid: str) -> list[dict[str, Any]]:
    items = access.get("events.events.k8s.io", "-n", "ai")["items"]
    return [item for item in items if item["regarding"].get("uid") == uid]


@pytest.mark.usefixtures("served")
async def test_ready_once_every_router_has_it(
    operator: OperatorProcess, caller: Caller, with_namespace: Access, tmp_path: Path
) -> None:
    caller.create(BACKEND)
    caller.create({**POLICY, "spec": {"virtualModels": ["auto"], "default": {"backends": [{"name": "small"}]}}})
    routers = [Router(f"ai/router-{number}", f"127.0.0.1:{operator.stream}", tmp_path) for number in range(2)]
    following = [asyncio.create_task(router.client.forever()) for router in routers]
    try:
        wait = ["wait", "--for=condition=Ready", "--timeout=10s", "-n", "ai", "rpol/chat", "mbe/small"]
        assert "condition met" in await asyncio.to_thread(with_namespace.kubectl, *wait)
        assert {router.version for router in routers} == {operator.snapshot()["version"]}
        assert [each.host for each in routers[0].adopted[-1].endpoints["ai/small"]] == ["10.0.0.1", "10.0.0.2"]
        table = await asyncio.to_thread(with_namespace.kubectl, "get", "rpol,mbe", "-n", "ai")
        assert re.search(r'chat +\["auto"\] +0 +1 +1 +True +Ready', table)
        assert re.search(r"small +small +2 +True +Ready", table)

        routers[1].broken = True
        changed = {**POLICY, "spec": {"virtualModels": ["chat"], "default": {"backends": [{"name": "small"}]}}}
        assert caller.apply(changed, "test", force=True)[0] == 200
        policy = await asyncio.to_thread(wait_for, caller, POLICY, "Programmed", "Refused")
        message = policy["status"]["conditions"][2]["message"]
        assert message.startswith("In force on 1 of 2 ready routers; refused by ai/router-1: it could not be prepared")
        assert conditions(caller, BACKEND)["Programmed"] == ("True", "Programmed")
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)


@pytest.mark.usefixtures("served")
def test_a_router_outlives_the_control_plane(with_namespace: Access, caller: Caller, tmp_path: Path) -> None:
    operator = OperatorProcess(with_namespace.kubeconfig, tmp_path / "operator.log").wait_ready().wait_leading()
    caller.create(BACKEND)
    caller.create(POLICY)
    router = RouterProcess(f"127.0.0.1:{operator.stream}", tmp_path / "router").wait_ready()
    try:
        eventually(
            lambda: [each["id"] for each in router.json("/v1/models")["data"]] == ["auto", "small"], "the models"
        )
        wait_for(caller, POLICY, "Programmed", "Programmed")
        operator.kill()
        eventually(lambda: "does not answer" in router("/readyz")[1].decode(), "the loss to show")
        assert router("/readyz")[0] == 200
    finally:
        operator.kill()
        assert router.stop() == 0

    alone = RouterProcess("127.0.0.1:1", tmp_path / "router").wait_ready()
    assert _models(alone) == ["auto", "small"]
    assert alone.stop() == 0

    alone.state.write_bytes(alone.state.read_bytes()[:-1])
    damaged = RouterProcess("127.0.0.1:1", tmp_path / "router")
    eventually(lambda: "is damaged" in damaged("/readyz")[1].decode(), "the damage to show")
    assert damaged("/readyz")[0] == 503
    assert damaged.stop() == 0


def _models(router: RouterProcess) -> list[str]:
    return [each["id"] for each in router.json("/v1/models")["data"]]


async def test_a_rotated_secret_is_taken_up_and_never_shown(
    operator: OperatorProcess, caller: Caller, tmp_path: Path
) -> None:
    def secret(value: str) -> dict[str, Any]:
        metadata = {"name": "key", "namespace": "ai", "labels": {"pointsman.dev/secret": ""}}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"token": value}}

    auth = {"secretKeyRef": {"name": "key", "key": "token"}}
    router = Router("ai/router", f"127.0.0.1:{operator.stream}", tmp_path)
    following = asyncio.create_task(router.client.forever())
    try:
        for value in ("hunter-one", "hunter-two"):
            assert caller.apply(secret(value), "test")[0] in (200, 201)
            caller.apply({**BACKEND, "spec": {**BACKEND["spec"], "auth": auth}}, "test")
            await asyncio.to_thread(eventually, lambda value=value: value in _tokens(router), "the token")
        versions = {loaded.snapshot.version for loaded in router.adopted if _tokens(router)}
        assert operator.snapshot()["version"] in versions
        shown = operator.log.read_text() + str(operator("/snapshot")) + str(operator("/metrics"))
        shown += str(caller.get("ModelBackend", "ai", "small"))
        assert "hunter" not in shown
        state = tmp_path / "ai" / "router" / "state"
        await asyncio.to_thread(eventually, state.exists, "the saved state")
        assert b"hunter" not in state.read_bytes()
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        caller.delete(secret(""))


def _tokens(router: Router) -> list[str]:
    return list(router.adopted[-1].credentials.values()) if router.adopted else []


@pytest.mark.usefixtures("operator")
def test_what_only_the_compiler_refuses_says_why(caller: Caller) -> None:
    zone = {"name": "free", "limit": "5", "window": {"type": "Calendar", "period": "Day", "timeZone": "Europe/Bonn"}}
    caller.create({**POLICY, "spec": {**POLICY["spec"], "quotas": [zone]}})
    policy = wait_for(caller, POLICY, "Accepted", "Invalid")
    assert conditions(caller, POLICY)["Ready"] == ("False", "Invalid")
    assert "Europe/Bonn" in policy["status"]["conditions"][0]["message"]


@pytest.mark.usefixtures("served")
def test_an_edit_is_followed(operator: OperatorProcess, caller: Caller) -> None:
    caller.create(BACKEND)
    caller.create(POLICY)
    wait_for(caller, POLICY, "ResolvedRefs", "RefNotFound")
    before = operator.snapshot()
    fixed = {**POLICY, "spec": {"virtualModels": ["auto", "chat"], "default": {"backends": [{"name": "small"}]}}}
    assert caller.apply(fixed, "test", force=True)[0] == 200
    eventually(lambda: operator.snapshot()["version"] != before["version"], "another snapshot")
    assert operator.snapshot()["position"] > before["position"]
    wait_for(caller, POLICY, "ResolvedRefs", "ResolvedRefs")
    caller("DELETE", WATCHED["RoutingPolicy"].object_path("ai", "chat"))
    eventually(lambda: [each["name"] for each in operator.snapshot()["objects"]] == ["small"], "the deletion")


@pytest.mark.usefixtures("served")
def test_idle_resyncs_write_nothing(operator: OperatorProcess, caller: Caller) -> None:
    caller.create(BACKEND)
    caller.create(POLICY)
    wait_for(caller, POLICY, "ResolvedRefs", "RefNotFound")
    wait_for(caller, BACKEND, "Accepted", "Accepted")
    written = operator.metric('pointsman_operator_status_writes_total{outcome="written"}')
    versions = [caller.get(body["kind"], "ai", body["metadata"]["name"])["metadata"] for body in (BACKEND, POLICY)]
    done = 'pointsman_operator_resyncs_total{outcome="done"}'
    start = operator.metric(done) or 0
    eventually(lambda: (operator.metric(done) or 0) >= start + 5, "five resyncs")
    assert operator.metric('pointsman_operator_status_writes_total{outcome="written"}') == written
    after = [caller.get(body["kind"], "ai", body["metadata"]["name"])["metadata"] for body in (BACKEND, POLICY)]
    assert after == versions


@pytest.mark.usefixtures("served")
async def test_a_hundred_looks_at_the_same_cluster_write_nothing(
    caller: Caller, with_crds: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller.create(BACKEND)
    caller.create(POLICY)
    monkeypatch.setenv("KUBECONFIG", str(with_crds.kubeconfig))
    api, metrics, store = Api(handlers.login), Metrics(), Store(lambda: None)
    resync, builder = Resync(api, store, metrics, 1), Builder(Installation())
    reporter = Reporter(api, store, metrics, "test", lambda: True)
    fleet: Fleet = ()
    try:
        for _ in range(100):
            await resync.once()
            await reporter.report(builder.build(store.objects()), fleet)
    finally:
        await api.close()
    assert metrics.status_writes.labels("written")._value.get() == 2


@pytest.mark.usefixtures("served")
def test_another_replica_takes_over(
    operator: OperatorProcess, with_namespace: Access, caller: Caller, tmp_path: Path
) -> None:
    first = OperatorProcess(with_namespace.kubeconfig, tmp_path / "first.log", name="operator-2").wait_ready()
    assert first.metric("pointsman_operator_leading") == 0.0
    assert first.snapshot()["position"] is None
    before = operator.snapshot()["position"]
    caller.create(BACKEND)
    wait_for(caller, BACKEND, "Accepted", "Accepted")
    operator.kill()
    try:
        first.wait_leading()
        caller.create(POLICY)
        wait_for(caller, POLICY, "ResolvedRefs", "RefNotFound")
        assert first.snapshot()["version"] == fresh_version(caller)
        assert first.snapshot()["position"] > before
    finally:
        assert first.stop() == 0
    third = OperatorProcess(with_namespace.kubeconfig, tmp_path / "third.log")
    operator.process = third.process  # so that it is ended, whatever comes
    third.wait_leading()
