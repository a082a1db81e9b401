"""Addresses that nobody routes to: refused when objects are compiled, and again by the router when it connects."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from pointsman_faults.server import FaultServer, serve
from pointsman_operator.conditions import statuses
from pointsman_operator.publisher import Publisher
from pointsman_operator.stream import server
from pointsman_operator.world import World

from pointsman.core.compile import Installation
from pointsman.core.endpoints import Endpoint, EndpointSet
from pointsman.runtime.drain import Drain
from router_svc.server import Router, Settings
from router_svc.source.stream.client import Peering
from router_svc.source.stream.shelf import Shelf
from tests.control_plane.observed import served, world_of
from tests.control_plane.streams import Leadership, backend, policy, until, world

KUBERNETES: dict[str, Any] = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"}},
    "addressType": "IPv4",
    "ports": [{"name": "https", "port": 6443}],
    "endpoints": [{"addresses": ["192.0.2.1"]}],
}


def ready_of(built: World, name: str = "a") -> tuple[str, str]:
    """Reason and message of Ready."""
    status = dict(statuses(built, ()))[f"ModelBackend ai/{name}"]
    found = next(each for each in status["conditions"] if each["type"] == "Ready")
    return found["reason"], found["message"]


def compiled(*objects: dict[str, Any]) -> World:
    bodies = [KUBERNETES, *objects]
    installation = Installation(api_server=("10.96.0.1",), external_hosts=("*",))
    return world_of((served(body, f"uid-{number}") for number, body in enumerate(bodies)), installation)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1", "is a loopback address"),
        ("169.254.7.7", "is a link-local address"),
        ("169.254.169.254", "is the cloud's metadata service"),
        ("192.0.2.1", "is the Kubernetes API server"),
        ("10.96.0.1", "is the Kubernetes API server"),
    ],
)
def test_an_endpoint_at_such_an_address_is_left_out(address: str, why: str) -> None:
    built = compiled(*backend("a", address))
    assert built.endpoints["ai/a"].endpoints == ()
    assert built.endpoints["ai/a"].refused == (f"{address} {why}",)
    both = compiled(*backend("a", address, "10.0.0.1"))
    assert [each.host for each in both.endpoints["ai/a"].endpoints] == ["10.0.0.1"]


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("localhost", "is a loopback address"),
        ("192.0.2.1", "is the Kubernetes API server"),
        ("kubernetes.default.svc", "is the Kubernetes API server"),
        ("kubernetes.default.svc.cluster.local", "is the Kubernetes API server"),
        ("metadata.google.internal", "is the cloud's metadata service"),
        ("2130706433", "is a number that some resolvers read as an address"),
    ],
)
def test_an_external_host_of_such_an_address_is_not_accepted(host: str, why: str) -> None:
    external, _ = backend("a")
    external["spec"]["endpoints"] = {"external": {"host": host, "port": 443}}
    built = compiled(external)
    assert built.endpoints.get("ai/a", EndpointSet("ai/a")).endpoints == ()
    reason, message = ready_of(built)
    assert reason == "AddressRefused"
    assert f'spec.endpoints.external.host: "{host}" {why}' in message


def test_a_service_that_only_names_a_host_is_not_followed() -> None:
    named = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a", "namespace": "ai"},
        "spec": {"type": "ExternalName", "externalName": "kubernetes.default.svc", "ports": [{"port": 80}]},
    }
    built = compiled(*backend("a", "10.0.0.1"), named)  # with a slice that somebody made by hand
    assert built.endpoints["ai/a"].endpoints == ()
    assert ready_of(built) == (
        "RefNotPermitted",
        "spec.endpoints.serviceRef.name: Service ai/a is of type ExternalName. Use external for a host outside the "
        "cluster, if the platform allows it",
    )


@asynccontextmanager
async def following(
    folder: Path, endpoint: Endpoint, api_server: tuple[str, ...] = (), **settings: Any
) -> AsyncIterator[Router]:
    """A whole router, whose control plane says that a backend is at an endpoint, as an older or broken one might."""
    small = world(backend("a", "10.0.0.1"), policy("chat", "a"))
    told = msgspec.structs.replace(small, endpoints={"ai/a": EndpointSet("ai/a", (endpoint,))}, api_server=api_server)
    publisher = Publisher(Leadership())
    publisher.publish(told)
    async with AsyncExitStack() as stack:
        listening, port = await server.start("127.0.0.1:0", publisher, lambda: "", None)
        stack.push_async_callback(listening.stop, 0)
        own = Settings(
            control_plane=Peering("ai/router", f"127.0.0.1:{port}"),
            state=folder,
            private=folder / "private",
            http="127.0.0.1:0",
            grpc="127.0.0.1:0",
            **settings,
        )
        inner = await stack.enter_async_context(AsyncExitStack())
        router = await Router.start(own, Drain(delay=0.0, limit=1.0), inner)
        stack.push_async_callback(router.grpc.stop, 0.0)
        stack.push_async_callback(router.http.stop, 0.0)
        following = asyncio.create_task(router.source.forever())
        stack.callback(following.cancel)
        await until(lambda: router.snapshots.ready)
        yield router


async def asked(router: Router) -> tuple[int, str]:
    """Status and body of one request."""
    body = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{router.http_port}/v1/chat/completions", json=body) as answer,
    ):
        return answer.status, await answer.text()


@pytest.fixture
async def model() -> AsyncIterator[FaultServer]:
    async with serve(FaultServer("a")) as running:
        yield running


async def test_a_router_does_not_connect_to_loopback_whatever_it_is_told(tmp_path: Path, model: FaultServer) -> None:
    for host in ("127.0.0.1", "localhost"):  # an address, and a name that leads there, as an ExternalName's would
        async with following(tmp_path / host, Endpoint(host, model.port)) as router:
            status, text = await asked(router)
        assert status == 502, text
        assert "the endpoint's address is not allowed: is a loopback address" in text
    assert not model.requests


@pytest.mark.parametrize("host", ["169.254.7.7", "169.254.169.254", "0.0.0.0"])
async def test_a_router_does_not_connect_to_link_local_addresses(tmp_path: Path, host: str) -> None:
    async with following(tmp_path, Endpoint(host, 80), allow_loopback=True) as router:
        status, text = await asked(router)
    assert status == 502
    assert "the endpoint's address is not allowed" in text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_router_does_not_connect_to_the_api_server(tmp_path: Path, model: FaultServer, host: str) -> None:
    """Where it is, the control plane says; a name that leads there is looked through."""
    endpoint = Endpoint(host, model.port)
    async with following(tmp_path / "free", endpoint, allow_loopback=True) as router:
        assert (await asked(router))[0] == 200
    told = ("127.0.0.1", "::1")
    async with following(tmp_path / "told", endpoint, told, allow_loopback=True) as router:
        status, text = await asked(router)
        assert status == 502
        assert "the endpoint's address is not allowed: is the Kubernetes API server" in text
        await until((tmp_path / "told" / "state").exists)
    saved = Shelf(tmp_path / "told", tmp_path / "told" / "private").load()
    assert saved is not None
    assert saved.api_server == told  # so a restart without the control plane knows it too
    async with following(tmp_path / "own", endpoint, allow_loopback=True, api_server=told) as router:
        assert (await asked(router))[0] == 502
    assert len(model.requests) == 1
