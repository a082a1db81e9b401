"""Services and EndpointSlices to addresses, as kube-proxy finds them."""

from typing import Any

import pytest

from pointsman.core.endpoints import Endpoint, resolve_endpoints
from pointsman.core.installation import Installation
from pointsman.core.parse import parse_objects
from pointsman.core.snapshot import Backend, ExternalTarget, ServiceTarget

BACKEND = Backend(namespace="ai", name="m", model="m", service=ServiceTarget(namespace="ai", name="llm", port=80))
READY, DRAINING = {"ready": True}, {"ready": False, "serving": True, "terminating": True}
GONE, STARTING = {"ready": False, "serving": False, "terminating": True}, {"ready": False, "serving": False}


def service(*ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "llm", "namespace": "ai"},
        "spec": {"ports": list(ports), **spec},
    }


def slices(*endpoints: Any, ports: Any = ({"name": "http", "port": 8000},), kind: str = "IPv4", name: str = "s") -> Any:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": "ai", "labels": {"kubernetes.io/service-name": "llm"}},
        "addressType": kind,
        "ports": list(ports),
        "endpoints": list(endpoints),
    }


def pod(address: str, conditions: dict[str, bool] | None = None, zone: str = "") -> dict[str, Any]:
    return {"addresses": [address], "conditions": conditions or {}, "zone": zone}


def found(*bodies: Any, backend: Backend = BACKEND, **installation: Any) -> list[tuple[str, int]]:
    parsed = parse_objects(bodies)
    assert not parsed.problems
    resources = parsed.resources
    sets = resolve_endpoints({backend.key: backend}, resources.services, resources.slices, Installation(**installation))
    return [(endpoint.host, endpoint.port) for endpoint in sets[backend.key].endpoints]


HTTP = {"name": "http", "port": 80, "targetPort": 8000}


@pytest.mark.parametrize(
    ("port", "slice_ports", "expected"),
    [
        (HTTP, [{"name": "http", "port": 8000}], 8000),
        ({"name": "http", "port": 80, "targetPort": "web"}, [{"name": "http", "port": 9000}], 9000),
        ({"port": 80}, [{"port": 8000}], 8000),
        ({"name": "http", "port": 80, "targetPort": 8000}, [{"name": "other", "port": 8000}], 8000),
        ({"name": "http", "port": 80, "targetPort": "web"}, [{"name": "web", "port": 9000}], 9000),
        (HTTP, [{"name": "metrics", "port": 9090}], None),
        ({"name": "http", "port": 81}, [{"name": "http", "port": 8000}], None),
    ],
)
def test_port(port: dict[str, Any], slice_ports: list[dict[str, Any]], expected: int | None) -> None:
    result = found(service(port), slices(pod("10.0.0.1"), ports=slice_ports))
    assert result == ([("10.0.0.1", expected)] if expected else [])


def test_ready_ones_count() -> None:
    pods = [pod("10.0.0.1", READY), pod("10.0.0.2", DRAINING), pod("10.0.0.3", STARTING), pod("10.0.0.4")]
    assert found(service(HTTP), slices(*pods)) == [("10.0.0.1", 8000), ("10.0.0.4", 8000)]


def test_draining_ones_count_when_no_other_is_left() -> None:
    pods = [pod("10.0.0.2", DRAINING), pod("10.0.0.3", GONE), pod("10.0.0.4", STARTING)]
    assert found(service(HTTP), slices(*pods)) == [("10.0.0.2", 8000)]


def test_slices_are_merged_and_addresses_counted_once() -> None:
    first = slices(pod("10.0.0.2"), pod("10.0.0.1", zone="a"))
    second = slices(pod("10.0.0.1"), name="t")
    third = slices(pod("2001:db8::1"), kind="IPv6", name="u")
    assert found(service(HTTP), third, second, first) == [
        ("10.0.0.1", 8000),
        ("10.0.0.2", 8000),
        ("2001:db8::1", 8000),
    ]


def test_names_and_forbidden_addresses_are_left_out() -> None:
    names = slices(pod("evil.example.com"), kind="FQDN")
    local = slices(pod("127.0.0.1"), pod("169.254.169.254"), pod("10.96.0.1"), name="t")
    assert found(service(HTTP), names, local, api_server=("10.96.0.1",)) == []
    assert found(service(HTTP), local, allow_loopback=True) == [("10.96.0.1", 8000), ("127.0.0.1", 8000)]


def test_external_name_services_lead_nowhere() -> None:
    assert found(service(HTTP, type="ExternalName"), slices(pod("10.0.0.1"))) == []


@pytest.mark.parametrize(("ports", "expected"), [([80, 81], 80), ([8000], 8000), ([8000, 8001], None)])
def test_slices_without_their_service_are_read_by_number(ports: list[int], expected: int | None) -> None:
    named = [{"name": f"p{port}", "port": port} for port in ports]
    assert found(slices(pod("10.0.0.1"), ports=named)) == ([("10.0.0.1", expected)] if expected else [])


def test_external_hosts_pass_when_they_are_allowed() -> None:
    target = ExternalTarget(host="api.example.com", port=443, tls=True)
    backend = Backend(namespace="ai", name="m", model="m", external=target)
    resolved = resolve_endpoints({backend.key: backend}, (), (), Installation(external_hosts=("*.example.com",)))
    assert resolved["ai/m"].endpoints == (Endpoint("api.example.com", 443, tls=True),)
    refused = resolve_endpoints({backend.key: backend}, (), (), Installation())
    assert refused["ai/m"].endpoints == ()
    assert "api.example.com" in refused["ai/m"].refused[0]
