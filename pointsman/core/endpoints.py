"""Where a backend can be reached: its Service's EndpointSlices, or its external host, as addresses.

Follows kube-proxy: ports are found by the name of the Service's port; endpoints that are ready count, and when none is,
those that still serve while they terminate.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from pointsman.core.addresses import refuse
from pointsman.core.installation import Installation
from pointsman.core.resources.kubernetes import EndpointSlice, Service, ServicePort, SliceEndpoint, SlicePort
from pointsman.core.snapshot import Backend, ServiceTarget


class Endpoint(msgspec.Struct, frozen=True, order=True):
    """One address of a backend."""

    host: str
    """IP address, or the name of an external host."""
    port: int
    tls: bool = False
    zone: str = ""
    server_name: str = ""
    """Name in the certificate and the Host header, where it is not the host."""

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


class Cluster:
    """Services and EndpointSlices, ready to be asked."""

    def __init__(
        self, services: Iterable[Service], slices: Iterable[EndpointSlice], installation: Installation
    ) -> None:
        self._installation = installation
        self._services = {(each.metadata.namespace, each.metadata.name): each for each in services}
        self._slices: dict[tuple[str, str], list[EndpointSlice]] = {}
        for each in slices:
            self._slices.setdefault((each.metadata.namespace, each.service), []).append(each)

    def endpoints(self, backend: Backend) -> EndpointSet:
        """Where this backend can be reached now."""
        if backend.external is not None:
            external = backend.external
            found = [Endpoint(external.host, external.port, external.tls)]
        else:
            found = list(self._of_service(backend.service)) if backend.service is not None else []
        external_hosts = self._installation.external_hosts if backend.external is not None else None
        checked = {endpoint: self._refused(endpoint.host, external_hosts) for endpoint in sorted(set(found))}
        return EndpointSet(
            backend.key,
            tuple(_one_zone(endpoint for endpoint, reason in checked.items() if reason is None)),
            tuple(f"{endpoint.host} {reason}" for endpoint, reason in checked.items() if reason is not None),
        )

    def _refused(self, host: str, external_hosts: tuple[str, ...] | None) -> str | None:
        return refuse(
            host,
            allow_loopback=self._installation.allow_loopback,
            allowed_external=external_hosts,
            api_server=self._installation.api_server,
        )

    def _of_service(self, target: ServiceTarget) -> Iterator[Endpoint]:
        service = self._services.get((target.namespace, target.name))
        if service is not None and service.spec.type == "ExternalName":
            return
        pairs = [
            (endpoint, port)
            for each in self._slices.get((target.namespace, target.name), ())
            if each.address_type in ("IPv4", "IPv6") and (port := _port(service, target.port, each.ports)) is not None
            for endpoint in each.endpoints
        ]
        usable = [pair for pair in pairs if _ready(pair[0])] or [pair for pair in pairs if _still_serving(pair[0])]
        for endpoint, port in usable:
            for address in endpoint.addresses:
                yield Endpoint(address, port, zone=endpoint.zone)


def resolve_endpoints(
    backends: Mapping[str, Backend],
    services: Iterable[Service],
    slices: Iterable[EndpointSlice],
    installation: Installation,
) -> dict[str, EndpointSet]:
    """Where every backend can be reached, by key."""
    cluster = Cluster(services, slices, installation)
    return {key: cluster.endpoints(backend) for key, backend in sorted(backends.items())}


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
