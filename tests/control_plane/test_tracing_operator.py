"""Spans of the control plane, as a real OTLP collector receives them: cycles, and pushes until each router answered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import pytest
from pointsman_operator.cycle import Cycle
from pointsman_operator.fleet import Fleet
from pointsman_operator.metrics import Metrics
from pointsman_operator.publisher import Publisher
from pointsman_operator.stream import server
from pointsman_operator.tracing import Tracing
from pointsman_operator.world import Builder, World

from pointsman.core.compile import Installation
from pointsman.runtime import telemetry
from tests.cluster.access import Access
from tests.control_plane.calls import Caller
from tests.control_plane.observed import served, store_of
from tests.control_plane.process import OperatorProcess, RouterProcess
from tests.control_plane.streams import Following, Leadership, Router, backend, policy
from tests.control_plane.test_operator_cluster import BACKEND, POLICY
from tests.support.calls import eventually
from tests.support.collector import Collector, collecting, environment


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as collector:
        yield collector


class Plane:
    """A cycle with all its parts but Kubernetes."""

    def __init__(self, tracing: Tracing) -> None:
        objects = [*backend("a", "10.0.0.1"), policy("chat", "a")]
        self.store = store_of(served(body, f"{body['kind']}-{number}") for number, body in enumerate(objects))
        self.publisher = Publisher(Leadership())
        self.builder = Builder(Installation())
        self.tracing = tracing
        self.cycle = Cycle(self.store, self.builder, self.publisher, self._report, Metrics(), tracing)
        self.address = ""

    async def _report(self, world: World, fleet: Fleet) -> None:
        """Nobody reads it."""

    async def start(self, stack: AsyncExitStack) -> None:
        grpc, port = await server.start("127.0.0.1:0", self.publisher, lambda: "", None, self.tracing)
        stack.push_async_callback(grpc.stop, 0)
        self.address = f"localhost:{port}"
        building = asyncio.create_task(self.cycle.build())
        stack.callback(building.cancel)
        self.cycle.changed()

    def move(self, address: str, revision: int) -> None:
        """The backend's endpoint gets another address."""
        self.store.put("EndpointSlice", served(backend("a", address)[1], "EndpointSlice-1", revision, revision))
        self.cycle.changed()


@asynccontextmanager
async def planes(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Plane]:
    for name, value in environment(collector.address).items():
        monkeypatch.setenv(name, value)
    async with AsyncExitStack() as stack:
        measured = stack.enter_context(closing(telemetry.from_environment("pointsman-operator")))
        plane = Plane(Tracing(measured.tracer))
        await plane.start(stack)
        yield plane


async def test_a_cycle_and_the_pushes_that_it_led_to(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with planes(collector, monkeypatch) as plane:
        await eventually(lambda: bool(collector.named("reconcile")))
        first = collector.one("reconcile")
        assert collector.beneath(first) == ["gather", "build", "publish"]
        assert first.service == "pointsman-operator"
        assert first.attributes["pointsman.changed"] == ["snapshot", "endpoints", "credentials"]
        assert (first.attributes["pointsman.policies"], first.attributes["pointsman.endpoints"]) == (1, 1)

        async with Following(Router("ai/r1", plane.address, tmp_path)) as router:
            await eventually(lambda: bool(collector.named("push")))
            push = collector.one("push")
            assert push.links == [first.id]
            assert push.attributes["pointsman.router"] == "ai/r1"
            assert push.attributes["pointsman.push.bytes"] > 0
            assert not push.error

            router.broken = True
            plane.move("10.0.0.9", 2)
            await eventually(lambda: len(collector.named("push")) == 2)
            second, refused = collector.named("reconcile")[-1], collector.named("push")[-1]
            assert second.attributes["pointsman.changed"] == ["endpoints"]
            assert refused.links == [second.id]
            assert (refused.error, refused.attributes["error.type"]) == (True, "NOT_PREPARED")


async def test_a_cycle_that_fails_says_so(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    async with planes(collector, monkeypatch) as plane:
        await eventually(lambda: bool(collector.named("reconcile")))

        def fail(_: object) -> World:
            raise ZeroDivisionError("10.0.0.7")

        monkeypatch.setattr(plane.builder, "build", fail)
        plane.cycle.changed()
        await eventually(lambda: len(collector.named("reconcile")) == 2)
        failed = collector.named("reconcile")[-1]
        assert (failed.error, failed.attributes["error.type"]) == (True, "ZeroDivisionError")
        assert b"10.0.0.7" not in collector.raw


@pytest.mark.cluster
async def test_on_a_real_api_server(
    with_namespace: Access, caller: Caller, collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(
        collector.address, OTEL_SERVICE_NAME="control", OTEL_METRICS_EXPORTER="none"
    ).items():
        monkeypatch.setenv(name, value)

    def run() -> None:
        log = tmp_path / "operator.log"
        operator = OperatorProcess(with_namespace.kubeconfig, log, "--resync", "1").wait_ready()
        try:
            operator.wait_leading()
            router = RouterProcess(f"127.0.0.1:{operator.stream}", tmp_path / "router")
            try:
                for body in (BACKEND, POLICY):
                    status, answer = caller.create(body)
                    assert status == 201, answer
                router.wait_ready()
            finally:
                router.stop()
        finally:
            assert operator.stop() == 0, log.read_text()[-3000:]

    await asyncio.to_thread(run)
    await eventually(lambda: bool(collector.named("push")) and bool(collector.named("report")))
    reconciles = {span.id: span for span in collector.named("reconcile")}
    caused = [span for span in collector.named("push") if not span.error]
    assert caused
    assert all(reconciles[span.links[0]].attributes["pointsman.changed"] for span in caused)
    assert sum(span.attributes["pointsman.report.writes"] for span in collector.named("report")) >= 2
    assert {span.service for span in collector.spans} == {"control"}
