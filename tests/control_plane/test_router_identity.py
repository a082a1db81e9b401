"""A router follows only under a name that its certificate has: by real certificates, over real TLS."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pointsman_operator.publisher import Publisher
from pointsman_operator.stream import server
from pointsman_operator.stream.identity import why_not
from pointsman_operator.stream.server import Certificates

from tests.cluster import pki
from tests.control_plane.streams import Following, Leadership, Router, backend, policy, programmed, until, world

SMALL = world(backend("a", "10.0.0.1"), policy("chat", "a"))
SHARED, OWN = "*.ai.router.pointsman.dev", "router-1.ai.router.pointsman.dev"


@pytest.mark.parametrize(
    ("router", "names"),
    [
        ("ai/router-1", [OWN]),
        ("ai/router-1", [SHARED]),
        ("ai/router-1", ["other", SHARED]),
        ("ai/a.b", [f"a.b{SHARED[1:]}"]),
    ],
)
def test_a_certificate_speaks_for(router: str, names: list[str]) -> None:
    assert why_not(router, names) == ""


@pytest.mark.parametrize(
    ("router", "names"),
    [
        ("ai/router-2", [OWN]),
        ("legal/router-1", [SHARED]),
        ("ai/a.b", [SHARED]),
        ("ai/router-1", ["*.router.pointsman.dev"]),
        ("ai/router-1", ["router-1.ai.svc"]),
        ("ai/router-1", []),
    ],
)
def test_a_certificate_does_not_speak_for(router: str, names: list[str]) -> None:
    denied = why_not(router, names)
    assert f'"{router}"' in denied
    assert all(name in denied for name in names)
    assert f"*.{router.partition('/')[0]}.router.pointsman.dev" in denied


def test_a_name_without_a_namespace_is_refused() -> None:
    for name in ("router-1", "", "ai/", "/router-1", "ai/router/1"):
        assert "is not NAMESPACE/POD" in why_not(name, [SHARED])


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates as the chart issues them: one for each role. The operator's names its Service only."""
    folder = tmp_path_factory.mktemp("issued") / "pki"
    pki.create_authority(folder)
    pki.create_certificate(folder, "operator", "/CN=pointsman-operator", ("DNS:localhost",))
    pki.create_certificate(folder, "routers", "/CN=pointsman-router", (f"DNS:{SHARED}",))
    return folder


def files(keys: Path, name: str) -> tuple[Path, Path, Path]:
    return keys / "ca.crt", keys / f"{name}.crt", keys / f"{name}.key"


async def serving(stack: AsyncExitStack, keys: Path, leading: bool = True, leader: str = "") -> tuple[Publisher, int]:
    publisher = Publisher(Leadership(leading=leading))
    publisher.publish(SMALL)
    listening, port = await server.start(
        "127.0.0.1:0", publisher, lambda: leader, Certificates(*files(keys, "operator"))
    )
    stack.push_async_callback(listening.stop, 0)
    return publisher, port


async def test_a_router_of_another_name_is_told_both(keys: Path, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        publisher, port = await serving(stack, keys)
        address = f"localhost:{port}"
        honest = Router("ai/router-1", address, tmp_path, files(keys, "routers"))
        other = Router("legal/router-1", address, tmp_path, files(keys, "routers"))
        operator = Router("ai/router-2", address, tmp_path, files(keys, "operator"))
        for router in (honest, other, operator):
            await stack.enter_async_context(Following(router))
        await until(lambda: programmed(publisher, SMALL) == ["ai/router-1"])
        await until(lambda: "refuses this router" in other.client.trouble)
        assert SHARED in other.client.trouble
        assert '"legal/router-1"' in other.client.trouble
        await until(lambda: "the certificate is of localhost" in operator.client.trouble)
        assert [follower.name for follower in publisher.fleet()] == ["ai/router-1"]


async def test_the_leader_s_own_address_needs_no_name_in_its_certificate(keys: Path, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        leader, port = await serving(stack, keys)
        _, asked = await serving(stack, keys, leading=False, leader=f"127.0.0.1:{port}")
        router = Router("ai/router-1", f"localhost:{asked}", tmp_path, files(keys, "routers"))
        await stack.enter_async_context(Following(router))
        await until(lambda: programmed(leader, SMALL) == ["ai/router-1"])
