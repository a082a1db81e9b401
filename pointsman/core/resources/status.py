"""What the operator writes into `status`; the CRDs' status schemas are generated from these."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pointsman.core.resources.common import Part

Count = Annotated[int, Field(ge=0)]


class ConditionType(StrEnum):
    """What a condition speaks of, in the order in which they come true."""

    ACCEPTED = "Accepted"
    RESOLVED_REFS = "ResolvedRefs"
    PROGRAMMED = "Programmed"
    READY = "Ready"


class ConditionStatus(StrEnum):
    """Whether a condition holds; Unknown until the control plane has looked."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class ConditionEntry(Part):
    """One condition, as all of Kubernetes writes them."""

    type: Annotated[str, Field(max_length=316, pattern=r"^[A-Za-z]([A-Za-z0-9]*)$")]
    """Accepted: valid and permitted. ResolvedRefs: everything that it names exists. Programmed: every ready router has
    it in force. Ready: all of these, and somebody can answer."""
    status: ConditionStatus
    observed_generation: Count | None = None
    """The generation of the object that the condition speaks of."""
    last_transition_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """When `status` last changed."""
    reason: Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")]
    """Why, as one word for machines."""
    message: Annotated[str, Field(max_length=32768)]
    """Why, for people: names the field and the fix."""


class ModelBackendStatus(Part):
    """What became of a backend; written by the operator."""

    observed_generation: Count | None = None
    """The generation of the object that this status speaks of."""
    conditions: Annotated[tuple[ConditionEntry, ...], Field(max_length=8)] = ()
    ready_endpoints: Count | None = None
    """Endpoints that requests can be sent to."""


class RoutingPolicyStatus(Part):
    """What became of a policy; written by the operator."""

    observed_generation: Count | None = None
    """The generation of the object that this status speaks of."""
    conditions: Annotated[tuple[ConditionEntry, ...], Field(max_length=8)] = ()
    routes: Count | None = None
    """Routes in force, the default one not counted."""
    backends: Count | None = None
    """Different backends that the policy refers to and that exist."""
    ready_backends: Count | None = None
    """Those of them that have a ready endpoint."""
