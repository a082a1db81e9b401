"""Where a backend can be reached: its Service's EndpointSlices, or its external host, as addresses.

Follows kube-proxy: ports are found by the name of the Service's port; endpoints that are ready count, and when none is,
those that still serve while they terminate.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from pointsman.core.addresses import refuse
from pointsman.core.installation import Installation
from pointsman.core.memo import Memo
from pointsman.core.resources.kubernetes import EndpointSlice, Service, ServicePort, SliceEndpoint, SlicePort
from pointsman.core.snapshot import Backend, ExternalTarget, ServiceTarget


class Endpoint(msgspec.Struct, frozen=True, order=True):
    """One address of a backend."""

    host: str
    """IP address, or the name of an external host."""
    port: int
    tls: bool = False
    zone: str = ""

    @property
    def authority(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class EndpointSet(msgspec.Struct, frozen=True):
    """All endpoints of one backend; sorted, each once."""

    backend: str
    """Key of the backend."""
    endpoints: tuple[Endpoint, ...] = ()
    refused: tuple[str, ...] = ()
    """Addresses that are never connected to, each with the reason."""


def resolve_endpoints(
    backends: Mapping[str, Backend],
    services: Iterable[Service],
    slices: Iterable[EndpointSlice],
    installation: Installation,
    memo: Memo | None = None,
) -> dict[str, EndpointSet]:
    """Where every backend can be reached, by key. With the memo of the time before, only backends whose target, Service
    or slices changed are looked at again; the result is the same."""
    memo = Memo() if memo is None else memo
    memo.turn()
    installation = memo("installation", lambda it: it, installation)
    by_name = {(each.metadata.namespace, each.metadata.name): each for each in services}
    sliced: dict[tuple[str, str], list[EndpointSlice]] = {}
    for each in slices:
        sliced.setdefault((each.metadata.namespace, each.service), []).append(each)
    found = {}
    for key, backend in sorted(backends.items()):
        target = backend.service
        name = (target.namespace, target.name) if target is not None else ("", "")
        service, own = by_name.get(name), tuple(sliced.get(name, ()))
        found[key] = memo(key, _resolve, key, target, backend.external, service, own, installation)
    return found


def _resolve(
    key: str,
    target: ServiceTarget | None,
    external: ExternalTarget | None,
    service: Service | None,
    slices: tuple[EndpointSlice, ...],
    installation: Installation,
) -> EndpointSet:
    """Where one backend can be reached now."""
    if external is not None:
        endpoints = [Endpoint(external.host, external.port, external.tls)]
    else:
        endpoints = list(_of_service(target, service, slices)) if target is not None else []
    checked = {
        endpoint: refuse(
            endpoint.host,
            allow_loopback=installation.allow_loopback,
            allowed_external=installation.external_hosts if external is not None else None,
            api_server=installation.api_server,
        )
        for endpoint in sorted(set(endpoints))
    }
    return EndpointSet(
        key,
        tuple(_one_zone(endpoint for endpoint, reason in checked.items() if reason is None)),
        tuple(f"{endpoint.host} {reason}" for endpoint, reason in checked.items() if reason is not None),
    )


def _of_service(
    target: ServiceTarget, service: Service | None, slices: tuple[EndpointSlice, ...]
) -> Iterator[Endpoint]:
    if service is not None and service.spec.type == "ExternalName":
        return
    pairs = [
        (endpoint, port)
        for each in slices
        if each.address_type in ("IPv4", "IPv6") and (port := _port(service, target.port, each.ports)) is not None
        for endpoint in each.endpoints
    ]
    usable = [pair for pair in pairs if _ready(pair[0])] or [pair for pair in pairs if _still_serving(pair[0])]
    for endpoint, port in usable:
        for address in endpoint.addresses:
            yield Endpoint(address, port, zone=endpoint.zone)


def _ready(endpoint: SliceEndpoint) -> bool:
    return endpoint.conditions.ready is not False


def _still_serving(endpoint: SliceEndpoint) -> bool:
    return endpoint.conditions.serving is True and endpoint.conditions.terminating is True


def _port(service: Service | None, number: int, ports: tuple[SlicePort, ...]) -> int | None:
    """The port of the pods behind a port of the Service: by its name, else by its target's number.

    Without the Service, as in a folder that holds only slices, the slice's port of that number, or its only one.
    """
    if service is None:
        numbers = [port.port for port in ports]
        return number if number in numbers else numbers[0] if len(numbers) == 1 else None
    offered = next((port for port in service.spec.ports if port.port == number), None)
    return _by_name_or_target(offered, ports) if offered is not None else None


def _by_name_or_target(offered: ServicePort, ports: tuple[SlicePort, ...]) -> int | None:
    by_name = {port.name: port.port for port in ports}
    if offered.name in by_name:
        return by_name[offered.name]
    target = offered.port if offered.target_port is None else offered.target_port
    if isinstance(target, str):
        return by_name.get(target)
    return target if target in by_name.values() else None


def _one_zone(endpoints: Iterable[Endpoint]) -> Iterator[Endpoint]:
    """Each address once, though slices may for a moment name it with two zones."""
    seen: set[tuple[str, int]] = set()
    for endpoint in endpoints:
        if (endpoint.host, endpoint.port) not in seen:
            seen.add((endpoint.host, endpoint.port))
            yield endpoint
