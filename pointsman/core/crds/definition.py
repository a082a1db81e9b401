"""The CustomResourceDefinitions: names, columns, subresources, and the schemas of the types."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from pydantic import BaseModel

from pointsman.core.crds.schema import Schema, structural
from pointsman.core.resources import GROUP, ModelBackend, ModelBackendSpec, RoutingPolicy, RoutingPolicySpec
from pointsman.core.resources.status import ConditionType, ModelBackendStatus, RoutingPolicyStatus

VERSION = "v1alpha1"
WAITING: Mapping[str, str] = {
    "status": "Unknown",
    "reason": "Pending",
    "message": "Waiting for the operator",
    "lastTransitionTime": "1970-01-01T00:00:00Z",
}
"""What a condition says before the operator has looked: without it, kstatus would take a missing Ready for ready."""


class Column(msgspec.Struct, frozen=True):
    """One column of `kubectl get`; those with a priority show with `-o wide` only."""

    name: str
    path: str
    description: str
    type: str = "string"
    priority: int = 0

    def as_schema(self) -> dict[str, Any]:
        """As `additionalPrinterColumns` has it."""
        column: dict[str, Any] = {"name": self.name, "type": self.type, "description": self.description}
        if self.priority:
            column["priority"] = self.priority
        return column | {"jsonPath": self.path}


def _condition(kind: ConditionType, part: str) -> str:
    return f'.status.conditions[?(@.type=="{kind}")].{part}'


_VERDICT = (
    Column("Ready", _condition(ConditionType.READY, "status"), "Whether it does what it says"),
    Column("Reason", _condition(ConditionType.READY, "reason"), "Why it is ready or not"),
    Column("Age", ".metadata.creationTimestamp", "Time since it was created", "date"),
    *(
        Column(kind.value, _condition(kind, "status"), f"Status of the condition {kind}", priority=1)
        for kind in (ConditionType.ACCEPTED, ConditionType.RESOLVED_REFS, ConditionType.PROGRAMMED)
    ),
    Column("Message", _condition(ConditionType.READY, "message"), "Why it is ready or not, in words", priority=1),
)

_BACKEND_COLUMNS = (
    Column("Model", ".spec.model", "The name sent upstream"),
    Column("Endpoints", ".status.readyEndpoints", "Endpoints that requests can be sent to", "integer"),
    *_VERDICT,
)
_POLICY_COLUMNS = (
    Column("Models", ".spec.virtualModels", "Names that the policy answers to"),
    Column("Routes", ".status.routes", "Routes in force", "integer"),
    Column("Backends", ".status.backends", "Backends that the policy refers to and that exist", "integer"),
    Column("Live", ".status.readyBackends", "Those of them that have a ready endpoint", "integer"),
    *_VERDICT,
)


def definitions() -> Sequence[Mapping[str, Any]]:
    """All CRDs, as plain values."""
    return (
        _definition(ModelBackend, ModelBackendSpec, ModelBackendStatus, "mbe", _BACKEND_COLUMNS),
        _definition(RoutingPolicy, RoutingPolicySpec, RoutingPolicyStatus, "rpol", _POLICY_COLUMNS),
    )


def plural(kind: str) -> str:
    """The name that the API uses in its paths."""
    return f"{kind.lower()[:-1]}ies" if kind.endswith("y") else f"{kind.lower()}s"


def _definition(
    model: type[BaseModel], spec: type[BaseModel], status: type[BaseModel], short: str, columns: Sequence[Column]
) -> dict[str, Any]:
    kind = model.__name__
    names = {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": plural(kind),
        "singular": kind.lower(),
        "shortNames": [short],
        "categories": [GROUP.split(".")[0]],
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _root(str(model.__doc__), structural(spec), _with_waiting(structural(status)))},
        "subresources": {"status": {}},
        "additionalPrinterColumns": [column.as_schema() for column in columns],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural(kind)}.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def _root(description: str, spec: Schema, status: Schema) -> Schema:
    return {
        "description": description,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
    }


def _with_waiting(status: Schema) -> Schema:
    """Every object starts with all conditions Unknown."""
    waiting = [{"type": kind.value, **WAITING} for kind in ConditionType]
    return status | {"default": {"conditions": waiting}}
