"""Both ends of the stream in one process: a publisher that leads when told, and routers that adopt what they get."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from pointsman_operator.publisher import Publisher
from pointsman_operator.world import World

from router_svc.source.loaded import Loaded
from router_svc.source.stream.client import ControlPlane, Peering
from router_svc.source.stream.shelf import Shelf
from tests.control_plane.observed import served, world_of


class Leadership:
    """As the test says."""

    def __init__(self, epoch: int = 1, leading: bool = True) -> None:
        self.epoch, self.leading = epoch, leading


def backend(name: str, *addresses: str, model: str = "m") -> list[dict[str, Any]]:
    """A backend with its Service and endpoints."""
    labels = {"kubernetes.io/service-name": name}
    return [
        {
            "apiVersion": "pointsman.dev/v1alpha1",
            "kind": "ModelBackend",
            "metadata": {"name": name, "namespace": "ai"},
            "spec": {"model": model, "endpoints": {"serviceRef": {"name": name, "port": 80}}},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": f"{name}-1", "namespace": "ai", "labels": labels},
            "addressType": "IPv4",
            "ports": [{"name": "", "port": 80}],
            "endpoints": [{"addresses": [address]} for address in addresses],
        },
    ]


def policy(name: str, *backends: str) -> dict[str, Any]:
    refs = [{"name": each} for each in backends]
    return {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": "RoutingPolicy",
        "metadata": {"name": name, "namespace": "ai"},
        "spec": {"virtualModels": [name], "default": {"backends": refs}},
    }


def world(*objects: dict[str, Any] | list[dict[str, Any]]) -> World:
    flat = [each for group in objects for each in (group if isinstance(group, list) else [group])]
    return world_of(served(body, f"{body['kind']}-{body['metadata']['name']}") for body in flat)


class Router:
    """Follows a control plane; remembers what it adopted."""

    def __init__(
        self,
        name: str,
        address: str,
        folder: Path,
        certificates: Sequence[Path] = (),
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.adopted: list[Loaded] = []
        self.broken = False
        peering = Peering(name, address, *certificates)
        shelf = Shelf(folder / name, folder / name / "private")
        self.client = ControlPlane(peering, shelf, self._adopt, lambda: bool(self.adopted), lambda: 0.0, sleep)

    @property
    def version(self) -> str:
        return self.adopted[-1].snapshot.version if self.adopted else ""

    async def _adopt(self, loaded: Loaded) -> None:
        if self.broken:
            raise RuntimeError("no prototypes")
        self.adopted.append(loaded)


class Following:
    """A router's stream, for as long as the block runs; it saves at its end."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def __aenter__(self) -> Router:
        self._task = asyncio.create_task(self._router.client.forever())
        return self._router

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def until(holds: Callable[[], object], seconds: float = 10) -> None:
    """Wait for what happens in another task, in gRPC, or in another process."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)


def programmed(publisher: Publisher, world: World) -> list[str]:
    """Routers that have all of a world in force."""
    wanted = {(each.kind, each.namespace, each.name): each.hash for each in world.wire.manifest.entries}
    return sorted(follower.name for follower in publisher.fleet() if follower.holds == wanted)
