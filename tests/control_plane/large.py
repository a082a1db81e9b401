"""Objects in any number: backends of ten endpoints, policies of five routes, and changes that can be told apart."""

import re
from typing import Any

from router_svc.source.loaded import Loaded
from tests.control_plane.streams import backend, policy

ENDPOINTS = 10
"""Of each backend."""
_REVISION = re.compile(r"revision (\d+)")


def backend_name(number: int) -> str:
    return f"b{number}"


def served_backend(number: int) -> list[dict[str, Any]]:
    """A backend and its EndpointSlice."""
    return [backend(backend_name(number))[0], endpoints(number, 0)]


def endpoints(number: int, revision: int) -> dict[str, Any]:
    """The EndpointSlice of a backend; with each revision one of its pods has another address."""
    fixed = [f"10.{number // 200}.{number % 200}.{host + 1}" for host in range(ENDPOINTS - 1)]
    slices: dict[str, Any] = backend(backend_name(number), *fixed, moved(revision))[1]
    return slices


def moved(revision: int) -> str:
    """The address that a revision has and no other."""
    return f"10.{100 + revision // 40_000}.{revision // 200 % 200}.{revision % 200 + 1}"


def routed_policy(number: int, revision: int = 0) -> dict[str, Any]:
    """A policy of five routes, to five backends; two policies share a backend, whatever the size of the whole."""
    first = number // 2
    body = policy(f"p{number}", backend_name(first))
    body["spec"]["routes"] = [
        {
            "name": f"r{route}",
            "description": f"requests of kind {route}, revision {revision}",
            "backends": [{"name": backend_name(max(0, first - route))}],
        }
        for route in range(5)
    ]
    return body


def revision_of(loaded: Loaded, number: int) -> int:
    """Of a policy that a router has in force; -1 when it has none."""
    found = loaded.snapshot.policies.get(f"ai/p{number}")
    told = _REVISION.search(found.routes[0].description) if found is not None else None
    return int(told[1]) if told else -1


def reaches(loaded: Loaded, number: int, revision: int) -> bool:
    """Whether a router sends a backend's requests to the address of this revision."""
    at = loaded.endpoints.get(f"ai/{backend_name(number)}", ())
    return any(each.host == moved(revision) for each in at)
