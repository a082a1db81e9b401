"""Many objects, steady endpoint churn and several routers: every change arrives everywhere, and the truth in the end.

The short form of `make scale`, which measures; nothing here is about time. Also here: looks at a cluster where nothing
happened write nothing, however many, and the operator shares objects with other managers.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pointsman_operator import handlers
from pointsman_operator.api import Api
from pointsman_operator.conditions import statuses
from pointsman_operator.fleet import Follower
from pointsman_operator.metrics import Metrics
from pointsman_operator.reporter import MANAGER, Reporter
from pointsman_operator.resync import Resync
from pointsman_operator.store import Store
from pointsman_operator.watched import WATCHED
from pointsman_operator.world import Builder

from pointsman.core.compile import Installation
from tests.cluster.access import Access
from tests.control_plane.calls import Caller
from tests.control_plane.fresh import fresh_version
from tests.control_plane.large import endpoints, reaches, revision_of, routed_policy, served_backend
from tests.control_plane.process import OperatorProcess
from tests.control_plane.streams import Following, Router, until
from tests.support.waiting import eventually

POLICIES, BACKENDS, ROUTERS = 60, 30, 3
CHANGES, CHURN = 20, 50


@pytest.fixture
def populated(caller: Caller) -> Iterator[Caller]:
    with _population(caller, POLICIES, BACKENDS):
        yield caller


@contextmanager
def _population(caller: Caller, policies: int, backends: int) -> Iterator[None]:
    bodies = [body for number in range(backends) for body in served_backend(number)]
    bodies += [routed_policy(number) for number in range(policies)]
    for body in bodies:
        status, answer = caller.apply(body, "test", force=True)
        assert status in (200, 201), answer
    yield
    for number in range(backends):
        caller.delete(endpoints(number, 0))


@asynccontextmanager
async def churning(caller: Caller) -> AsyncIterator[list[int]]:
    """As many EndpointSlices a second as the machine changes, at most CHURN; gives which revisions were written."""
    done: list[int] = []

    ending = asyncio.Event()

    async def forever() -> None:
        while not ending.is_set():
            revision = len(done) + 1
            body = endpoints(1 + revision % (BACKENDS - 1), revision)
            await asyncio.gather(asyncio.to_thread(caller.apply, body, "test", force=True), asyncio.sleep(1 / CHURN))
            done.append(revision)

    task = asyncio.create_task(forever())
    try:
        yield done
    finally:
        ending.set()  # not cancelled: what is being written would be written, and not told
        await task


async def test_every_change_reaches_every_router_while_endpoints_churn(
    with_namespace: Access, populated: Caller, tmp_path: Path
) -> None:
    operator = OperatorProcess(with_namespace.kubeconfig, tmp_path / "operator.log")
    try:
        await asyncio.to_thread(operator.wait_ready)
        await asyncio.to_thread(operator.wait_leading)
        async with AsyncExitStack() as stack:
            address = f"127.0.0.1:{operator.stream}"
            routers = [
                await stack.enter_async_context(Following(Router(f"ai/router-{number}", address, tmp_path)))
                for number in range(ROUTERS)
            ]
            await until(lambda: all(router.version for router in routers), 180)
            async with churning(populated) as churned:
                for revision in range(1, CHANGES + 1):
                    number, before = revision % 7, len(churned)
                    body = routed_policy(number, revision)
                    await asyncio.to_thread(populated.apply, body, "test", force=True)
                    await until(lambda: all(_has(router, number, revision) for router in routers), 180)  # noqa: B023 - awaited at once
                    await asyncio.to_thread(populated.apply, endpoints(0, revision), "test", force=True)
                    await until(lambda: all(_goes_to(router, revision) for router in routers), 180)  # noqa: B023 - awaited at once
                    await until(lambda: len(churned) > before, 180)  # noqa: B023 - the churn is not held up either
            wanted = await asyncio.to_thread(fresh_version, populated)
            await until(lambda: all(router.version == wanted for router in routers), 180)
            assert await asyncio.to_thread(lambda: operator.snapshot()["version"]) == wanted
            last = {1 + revision % (BACKENDS - 1): revision for revision in churned}
            await until(lambda: all(_reaches_all(router, last) for router in routers), 180)
    finally:
        operator.kill()


def _has(router: Router, number: int, revision: int) -> bool:
    return revision_of(router.adopted[-1], number) == revision


def _goes_to(router: Router, revision: int) -> bool:
    return reaches(router.adopted[-1], 0, revision)


def _reaches_all(router: Router, last: dict[int, int]) -> bool:
    return all(reaches(router.adopted[-1], number, revision) for number, revision in last.items())


@pytest.fixture
def few(caller: Caller) -> Iterator[Caller]:
    """Six policies, three backends: a thousand LISTs of them take seconds."""
    with _population(caller, 6, 3):
        yield caller


async def test_a_thousand_resyncs_write_nothing(
    few: Caller, with_crds: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(with_crds.kubeconfig))
    api, metrics, store = Api(handlers.login), Metrics(), Store(lambda: None)
    resync, builder = Resync(api, store, metrics, 1), Builder(Installation())
    reporter = Reporter(api, store, metrics, "test", lambda: True)
    try:
        await resync.once()
        world = builder.build(store.objects())
        holds = {(each.kind, each.namespace, each.name): each.hash for each in world.wire.manifest.entries}
        fleet = (Follower("ai/router", ready=True, holds=holds),)
        await reporter.report(world, fleet)
        assert metrics.status_writes.labels("written")._value.get() == 6 + 3
        await resync.once()
        before = _versions(few)
        for _ in range(1000):
            await resync.once()
            await reporter.report(builder.build(store.objects()), fleet)
        assert _versions(few) == before
    finally:
        await api.close()
    assert metrics.resyncs.labels("done")._value.get() == 1002
    assert metrics.status_writes.labels("written")._value.get() == 6 + 3
    assert all(body["conditions"][-1]["reason"] == "Ready" for _, body in statuses(world, fleet))


def _versions(caller: Caller) -> dict[str, str]:
    """The resourceVersion of every object of every watched kind, and of every Event and Lease."""
    paths = [watched.path for watched in WATCHED.values()]
    paths += ["/apis/events.k8s.io/v1/events", "/apis/coordination.k8s.io/v1/namespaces/pointsman-system/leases"]
    listed = [item for path in paths for item in caller("GET", path)[1].get("items", ())]
    return {item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in listed}


def test_two_managers_and_the_operator_share_an_object(with_namespace: Access, caller: Caller, tmp_path: Path) -> None:
    """No apply is forced, so that a conflict would show; each keeps what is its own."""
    operator = OperatorProcess(with_namespace.kubeconfig, tmp_path / "operator.log").wait_ready().wait_leading()
    identity = {"apiVersion": "pointsman.dev/v1alpha1", "kind": "RoutingPolicy"}
    name = {"name": "shared", "namespace": "ai"}
    spec: dict[str, Any] = {"virtualModels": ["shared"], "default": {"backends": [{"name": "ghost"}]}}
    route = {"name": "code", "domain": "programming", "backends": [{"name": "ghost"}]}
    try:
        for turn in range(3):
            team = {**identity, "metadata": name, "spec": {**spec, "objective": {"qualityBandPercent": turn}}}
            platform = {**identity, "metadata": {**name, "labels": {"turn": str(turn)}}, "spec": {"routes": [route]}}
            for manager, body in (("team", team), ("platform", platform)):
                status, answer = caller.apply(body, manager)
                assert status in (200, 201), answer
            generation = answer["metadata"]["generation"]
            found = eventually(lambda: _observed(caller, generation), "the status")  # noqa: B023 - called at once
            assert found["metadata"]["labels"] == {"turn": str(turn)}
            assert found["spec"]["objective"]["qualityBandPercent"] == turn
            assert [each["name"] for each in found["spec"]["routes"]] == ["code"]
            assert found["status"]["routes"] == 1
    finally:
        operator.kill()
    owners = {each["manager"]: each.get("subresource", "") for each in found["metadata"]["managedFields"]}
    assert owners == {"team": "", "platform": "", MANAGER: "status"}


def _observed(caller: Caller, generation: int) -> dict[str, Any] | None:
    body = caller.get("RoutingPolicy", "ai", "shared")
    return dict(body) if body.get("status", {}).get("observedGeneration") == generation else None
