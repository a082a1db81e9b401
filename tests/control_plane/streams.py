"""Both ends of the stream in one process: a publisher that leads when told, and routers that adopt what they get."""

from collections.abc import Sequence
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

    def __init__(self, name: str, address: str, folder: Path, certificates: Sequence[Path] = ()) -> None:
        self.adopted: list[Loaded] = []
        self.broken = False
        peering = Peering(name, address, *certificates)
        shelf = Shelf(folder / name, folder / name / "private")
        self.client = ControlPlane(peering, shelf, self._adopt, lambda: bool(self.adopted), lambda: 0.0)

    @property
    def version(self) -> str:
        return self.adopted[-1].snapshot.version if self.adopted else ""

    async def _adopt(self, loaded: Loaded) -> None:
        if self.broken:
            raise RuntimeError("no prototypes")
        self.adopted.append(loaded)


def programmed(publisher: Publisher, world: World) -> list[str]:
    """Routers that have all of a world in force."""
    wanted = {(each.kind, each.namespace, each.name): each.hash for each in world.wire.manifest.entries}
    return sorted(follower.name for follower in publisher.fleet() if follower.holds == wanted)
