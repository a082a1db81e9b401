"""What every resource is made of: metadata, references, selectors, and the scalar types with their bounds."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

GROUP = "pointsman.dev"
API_VERSION = "pointsman.dev/v1alpha1"


class Part(BaseModel):
    """Base of all parts of a spec: camelCase in YAML, immutable, and no unknown field is accepted."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )


class Metadata(BaseModel):
    """The part of Kubernetes' ObjectMeta that Pointsman reads."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="ignore",
        frozen=True,
    )

    name: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
    namespace: Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")] = "default"
    labels: Mapping[str, str] = {}
    uid: str = ""
    generation: int = 0
    creation_timestamp: str = ""
    """RFC 3339; empty in a file, which then counts as older than any cluster object."""


class Ref(BaseModel):
    """Names one object."""

    model_config = ConfigDict(frozen=True)

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


Money = Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,12})?$", max_length=22, examples=["0.20"])]
"""A decimal string in the installation's one currency."""

Amount = Annotated[str, Field(pattern=r"^[0-9]{1,15}(\.[0-9]{1,12})?$", max_length=28, examples=["20000"])]
"""A decimal string: a number of requests or tokens, or an amount of money."""

Duration = Annotated[
    str, Field(pattern=r"^([0-9]{1,5}(h|m|s|ms)){1,4}$", max_length=32, examples=["5h", "1m30s", "250ms"])
]
"""A GEP-2257 duration."""

Percent = Annotated[int, Field(ge=0, le=100)]
Port = Annotated[int, Field(ge=1, le=65535)]
Tokens = Annotated[int, Field(ge=1, le=1_000_000_000)]
ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
Label = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
"""A name within one object: of a route, a mode or a quota."""
ModelName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9][-A-Za-z0-9._/@+]*$")]
"""A name that clients may ask for. Without a colon, which separates a mode."""
UpstreamModel = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[!-~]+$")]
"""The name that a model server knows its model by."""
Text = Annotated[str, Field(max_length=1024)]
Phrase = Annotated[str, Field(min_length=1, max_length=256)]
Tenant = Annotated[str, Field(min_length=1, max_length=253)]


class LabelSelector(Part):
    """Selects backends by their labels; every given label must be equal."""

    match_labels: Annotated[Mapping[str, Annotated[str, Field(max_length=63)]], Field(min_length=1, max_length=16)]
    """Labels that a backend must carry, with these values."""


class BackendRef(Part):
    """Prefers one backend."""

    name: ObjectName
    """Name of a ModelBackend."""
    namespace: Label | None = None
    """Its namespace; the policy's own by default. Another one needs a ReferenceGrant there."""
    weight: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """Share of the traffic within its priority's quality band. When no weight is set in a list, cost and latency
    order the band instead. 0 keeps a backend for fallback only."""
    priority: Annotated[int, Field(ge=0, le=100)] = 0
    """Lower is asked first; a higher one is a fallback."""


BackendRefs = Annotated[tuple[BackendRef, ...], Field(max_length=64)]
