"""`ModelBackend`: one served model, where it runs, what it can do, what it costs and how much it takes."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from pointsman.core.categories import Category
from pointsman.core.request import Effort
from pointsman.core.resources.common import (
    Duration,
    Label,
    Metadata,
    ModelName,
    Money,
    ObjectName,
    Part,
    Percent,
    Port,
    Tokens,
    UpstreamModel,
)

RFC3339 = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$"


class Protocol(StrEnum):
    """What the model server speaks."""

    OPENAI = "OpenAI"


class ServedOperation(StrEnum):
    """What a model server can be asked for."""

    CHAT = "Chat"
    COMPLETION = "Completion"
    EMBEDDINGS = "Embeddings"


class ReasoningType(StrEnum):
    """Whether a model thinks before it answers."""

    NONE = "None"
    ALWAYS = "Always"
    TOGGLE = "Toggle"


class ReasoningParameter(StrEnum):
    """How an effort is sent: OpenAI's `reasoning_effort`, or `chat_template_kwargs.enable_thinking`."""

    REASONING_EFFORT = "ReasoningEffort"
    CHAT_TEMPLATE_KWARGS = "ChatTemplateKwargs"


class LoadBalancingType(StrEnum):
    """How one of a backend's endpoints is picked."""

    LEAST_REQUEST = "LeastRequest"
    ROUND_ROBIN = "RoundRobin"


class Replacement(Part):
    """A retired model's name, answered by this backend."""

    name: ModelName
    """The retired name."""
    not_before: Annotated[str, Field(pattern=RFC3339, json_schema_extra={"format": "date-time"})] | None = None
    """From when on, as RFC 3339; at once by default."""


class ServiceRef(Part):
    """A Kubernetes Service, whose EndpointSlices give the endpoints."""

    name: ObjectName
    """Name of the Service."""
    namespace: Label | None = None
    """Its namespace; the backend's own by default. Another one needs a ReferenceGrant there."""
    port: Port
    """The Service's port."""


class External(Part):
    """A host outside the cluster; only hosts that the installation allows."""

    host: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$")]
    """DNS name or IPv4 address."""
    port: Port = 443
    """Its port."""
    tls: bool = True
    """Whether to use HTTPS; the certificate must be valid for the host."""


class Endpoints(Part):
    """Where the model is served: exactly one of the two."""

    service_ref: ServiceRef | None = None
    """A Service of this cluster."""
    external: External | None = None
    """A host outside it."""


class SecretKeyRef(Part):
    """One key of a Secret in the backend's namespace, labelled `pointsman.dev/secret`."""

    name: ObjectName
    """Name of the Secret."""
    key: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]
    """Key within the Secret; its value is sent as a bearer token."""


class Auth(Part):
    """How the router identifies itself to the model server."""

    secret_key_ref: SecretKeyRef
    """The bearer token."""


class Reasoning(Part):
    """Whether and how the model thinks."""

    type: ReasoningType = ReasoningType.NONE
    """None never thinks, Always cannot stop, Toggle does either."""
    efforts: Annotated[tuple[Effort, ...], Field(max_length=6)] = ()
    """Efforts that the model knows; empty allows all for ReasoningEffort, on and off for ChatTemplateKwargs."""
    parameter: ReasoningParameter = ReasoningParameter.REASONING_EFFORT
    """How an effort is sent upstream."""


class Capabilities(Part):
    """What the model can do; a request that needs more goes elsewhere."""

    operations: Annotated[tuple[ServedOperation, ...], Field(min_length=1, max_length=3)] = (
        ServedOperation.CHAT,
        ServedOperation.COMPLETION,
    )
    """APIs that the model server answers."""
    context_tokens: Tokens | None = None
    """Longest prompt and answer together, in tokens; not checked by default."""
    output_tokens: Tokens | None = None
    """Longest answer, in tokens; not checked by default."""
    tools: bool = True
    """Whether tools can be offered to it."""
    vision: bool = False
    """Whether it reads images."""
    json_output: Annotated[bool, Field(alias="json")] = True
    """Whether it can be held to a JSON format."""
    reasoning: Reasoning = Reasoning()


class Pricing(Part):
    """Prices per million tokens, in the installation's one currency."""

    input: Money = "0"
    cached_input: Money | None = None
    """For prompt tokens that the model server found in its prefix cache; the input price by default."""
    output: Money = "0"


class Quality(Part):
    """How often the model answers requests of a category well: a prior that evidence corrects."""

    category: Category | Literal["*"] = "*"
    """One of the published categories, or * for all others."""
    percent: Percent
    """Expected share of good answers to requests of middling difficulty."""


class Limits(Part):
    """What the model server takes; beyond it the next candidate is asked."""

    concurrency: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Requests in flight at once, over all endpoints."""
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Requests in any 60 seconds."""
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Tokens of prompts and answers in any 60 seconds."""
    tokens_per_day: Annotated[int, Field(ge=1)] | None = None
    """Tokens of prompts and answers in any 24 hours."""


class LoadBalancing(Part):
    """How an endpoint is picked."""

    type: LoadBalancingType = LoadBalancingType.LEAST_REQUEST
    """LeastRequest takes the less busy of two random endpoints; RoundRobin takes each in turn."""


class Health(Part):
    """Active health checks; without them, only answers to real requests tell."""

    path: Annotated[str, Field(max_length=1024, pattern=r"^/[!-~]*$")] = "/health"
    """Path that answers 2xx when the endpoint is well."""
    interval: Duration = "5s"
    """Time between two checks of an endpoint."""


class OutlierDetection(Part):
    """When a failing endpoint is left out for a while (Envoy's rules)."""

    consecutive_errors: Annotated[int, Field(ge=1, le=1000)] = 5
    """Errors in a row (5xx, timeouts, refused connections) that eject an endpoint."""
    base_ejection: Duration = "30s"
    """Time of the first ejection; the n-th lasts n times as long, up to five minutes."""
    max_ejected_percent: Percent = 50
    """At most this share of the endpoints is ejected at once; one always may be, unless 0."""


class ModelBackendSpec(Part):
    """One served model."""

    model: UpstreamModel
    """The name sent upstream."""
    aliases: Annotated[tuple[ModelName, ...], Field(max_length=32)] = ()
    """Other names that clients may ask for."""
    replaces: Annotated[tuple[Replacement, ...], Field(max_length=32)] = ()
    """Retired names that this backend answers."""
    endpoints: Endpoints
    protocol: Protocol = Protocol.OPENAI
    auth: Auth | None = None
    capabilities: Capabilities = Capabilities()
    pricing: Pricing = Pricing()
    quality: Annotated[tuple[Quality, ...], Field(max_length=32)] = ()
    limits: Limits = Limits()
    load_balancing: LoadBalancing = LoadBalancing()
    health: Health | None = None
    outlier_detection: OutlierDetection = OutlierDetection()


class ModelBackend(Part):
    """One served model, as a Kubernetes object."""

    api_version: Literal["pointsman.dev/v1alpha1"] = "pointsman.dev/v1alpha1"
    kind: Literal["ModelBackend"] = "ModelBackend"
    metadata: Metadata
    spec: ModelBackendSpec
