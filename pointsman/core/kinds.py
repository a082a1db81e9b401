"""The kinds of objects that are read, and what is said of the others."""

from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import BaseModel

from pointsman.core.mistakes import close
from pointsman.core.problems import Problem, Severity
from pointsman.core.resources import API_VERSION, GROUP, ModelBackend, RoutingPolicy
from pointsman.core.resources.kubernetes import EndpointSlice, ReferenceGrant, Secret, Service


class Kind(msgspec.Struct, frozen=True):
    """A kind, the versions of it that are understood, and its type."""

    name: str
    versions: tuple[str, ...]
    model: type[BaseModel]
    ours: bool = False
    """One of Pointsman's own kinds."""


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("ModelBackend", (API_VERSION,), ModelBackend, ours=True),
        Kind("RoutingPolicy", (API_VERSION,), RoutingPolicy, ours=True),
        Kind("Secret", ("v1",), Secret),
        Kind("Service", ("v1",), Service),
        Kind("EndpointSlice", ("discovery.k8s.io/v1",), EndpointSlice),
        Kind("ReferenceGrant", ("gateway.networking.k8s.io/v1beta1", "gateway.networking.k8s.io/v1"), ReferenceGrant),
    )
}
"""By name; no two groups that matter here share one."""


def is_list(body: Any) -> bool:
    """Whether this is a List of objects, as `kubectl get -o yaml` writes it."""
    return isinstance(body, Mapping) and str(body.get("kind")).endswith("List") and isinstance(body.get("items"), list)


def items_of(body: Any) -> list[Any]:
    """The objects of a List; none of anything else."""
    return list(body["items"]) if is_list(body) else []


def kind_of(body: Any, file: str, name: str) -> tuple[Kind | None, Problem | None]:
    """The kind of an object that is to be read, and what is wrong with its kind and apiVersion.

    One of ours whose apiVersion is wrong is read all the same, so that its other problems and its name are known.
    """
    if not isinstance(body, Mapping):
        return None, Problem(file, name, "", "is not a Kubernetes object", "Start with apiVersion, kind and metadata")
    kind, version = body.get("kind"), body.get("apiVersion")
    if not isinstance(kind, str) or not kind:
        return None, Problem(file, name, "kind", "is required", f"Add kind, one of {', '.join(KINDS)}")
    known = KINDS.get(kind)
    if known is None:
        return None, _unknown(file, name, kind[:80], str(version))
    if version in known.versions:
        return known, None
    label, fix = f"{kind} ({name})", f"Write apiVersion: {known.versions[0]}"
    if not known.ours and isinstance(version, str) and version:
        return None, Problem(file, label, "apiVersion", "is another one and ignored", fix, Severity.WARNING)
    return known, Problem(file, label, "apiVersion", "is missing or not the one that is known", fix)


def _unknown(file: str, name: str, kind: str, version: str) -> Problem:
    """A foreign kind is none of our business, but a misspelt one of ours is a mistake."""
    near = close(kind, list(KINDS))
    if version.startswith(f"{GROUP}/"):
        fix = f"Did you mean {near}?" if near else f"Known kinds: {', '.join(KINDS)}"
        return Problem(file, f"{kind} ({name})", "kind", f"there is no kind {kind}", fix)
    fix = f"Did you mean {near}?" if near else "Remove it from this folder, or leave it: nothing depends on it"
    return Problem(file, f"{kind} ({name})", "kind", "this kind is ignored", fix, Severity.WARNING)
