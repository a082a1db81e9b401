"""`RoutingPolicy`: which backends answer which requests, for whom, how much, and what happens when one fails."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from pointsman.core.request import Effort
from pointsman.core.resources.common import (
    Amount,
    BackendRefs,
    Duration,
    Label,
    LabelSelector,
    Metadata,
    ModelName,
    Money,
    Part,
    Percent,
    Phrase,
    Tenant,
    Text,
)


class ToolMatch(StrEnum):
    """Whether a route takes requests by the tools that they offer."""

    ANY = "Any"
    PRESENT = "Present"
    ABSENT = "Absent"


class ObjectiveType(StrEnum):
    """What is optimised among the backends that may answer."""

    QUALITY = "Quality"
    BALANCED = "Balanced"
    COST = "Cost"
    LATENCY = "Latency"


class Override(StrEnum):
    """Whether clients may choose for themselves: all, none, or the listed subjects."""

    ALLOW = "Allow"
    DENY = "Deny"
    LISTED = "Listed"


class SessionKey(StrEnum):
    """How turns of one conversation are recognised."""

    AUTO = "Auto"
    HEADER = "Header"


class Affinity(StrEnum):
    """How firmly a conversation stays with its model."""

    NONE = "None"
    PREFER = "Prefer"
    REQUIRE = "Require"


class Per(StrEnum):
    """What has a quota of its own."""

    USER = "User"
    TENANT = "Tenant"
    KEY = "Key"


class Resource(StrEnum):
    """What a quota counts."""

    REQUESTS = "Requests"
    TOKENS = "Tokens"
    COST = "Cost"


class WindowType(StrEnum):
    """Rolling windows end now; calendar windows start with the day, week or month."""

    ROLLING = "Rolling"
    CALENDAR = "Calendar"


class Period(StrEnum):
    """A calendar window's length; weeks start on Monday."""

    DAY = "Day"
    WEEK = "Week"
    MONTH = "Month"


class ExhaustedAction(StrEnum):
    """What happens to a request when a subject's quota is spent."""

    DOWNGRADE = "Downgrade"
    REJECT = "Reject"


class Trigger(StrEnum):
    """A failure that may be answered by the next candidate."""

    RATE_LIMITED = "RateLimited"
    OVERLOADED = "Overloaded"
    TIMEOUT = "Timeout"
    SERVER_ERROR = "ServerError"
    CONNECT_ERROR = "ConnectError"
    REFUSAL = "Refusal"
    CONTEXT_LENGTH = "ContextLength"
    QUOTA_EXHAUSTED = "QuotaExhausted"


class ClassifierFailure(StrEnum):
    """What happens when the classifier fails or is late."""

    USE_DEFAULT = "UseDefault"
    REJECT = "Reject"


class HeaderMatch(Part):
    """A request header that must have this value."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
    """Name, in any case."""
    value: Annotated[str, Field(max_length=4096)]
    """Exact value."""


class Match(Part):
    """Cheap rules that a request must pass before the classifier is asked; empty ones admit all."""

    languages: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z]{2}$")], ...], Field(max_length=64)] = ()
    """ISO 639-1 codes, one of which the last user turn must be written in."""
    keywords: Annotated[tuple[Phrase, ...], Field(max_length=64)] = ()
    """Words or phrases, one of which the last user turn must contain, in any case, as whole words."""
    headers: Annotated[tuple[HeaderMatch, ...], Field(max_length=16)] = ()
    """Headers that must all be present."""
    tools: ToolMatch = ToolMatch.ANY
    """Whether the request must, or must not, offer tools."""
    min_prompt_tokens: Annotated[int, Field(ge=0)] = 0
    """Smallest prompt, in estimated tokens."""


class EffortSetting(Part):
    """How long models should think."""

    effort: Effort
    """Mapped to the nearest effort that the backend knows."""


class Route(Part):
    """A preference in plain language: what kind of request, and which backends."""

    name: Label
    """Names the route in headers, traces and metrics."""
    domain: Annotated[str, Field(max_length=256)] = ""
    """The field of the request, such as programming."""
    action: Annotated[str, Field(max_length=256)] = ""
    """What is asked for, such as explain code."""
    description: Text = ""
    """In plain language, which requests belong here. A route without domain, action, description and examples takes
    whatever its match rules admit, without asking the classifier."""
    examples: Annotated[tuple[Phrase, ...], Field(max_length=16)] = ()
    """Requests that belong here, in any language."""
    match: Match = Match()
    backend_selector: LabelSelector | None = None
    """A hard constraint: no backend without these labels answers, not even as a fallback. Without `backends`, all
    backends of the namespace that it selects are preferred alike."""
    backends: BackendRefs = ()
    """The preferred backends."""
    reasoning: EffortSetting | None = None


class Default(Part):
    """Takes what no route does, and is the last fallback of every route."""

    backend_selector: LabelSelector | None = None
    backends: BackendRefs = ()
    reasoning: EffortSetting | None = None


class Constraints(Part):
    """Limits that a candidate must keep."""

    max_cost: Money | None = None
    """Highest expected cost of one request."""
    max_first_token: Duration | None = None
    """Longest expected time to the first token; a backend without recent measurements passes."""


class Objective(Part):
    """What is optimised among the backends of one priority."""

    type: ObjectiveType = ObjectiveType.BALANCED
    quality_band_percent: Percent = 2
    """Backends whose expected quality is at most this many points below the best count as equally good."""
    constraints: Constraints = Constraints()


class Mode(Part):
    """What a user may ask for beside the model: by NAME:MODE, a phrase, or `reasoning_effort`."""

    name: Label
    """What follows the colon when a client asks for NAME:MODE."""
    phrases: Annotated[tuple[Phrase, ...], Field(max_length=32)] = ()
    """Phrases of the last user turn that ask for this mode, in any language."""
    reasoning: EffortSetting | None = None
    objective: Objective | None = None
    """Replaces the policy's objective; its constraints stay unless given here."""


class DifficultyStep(Part):
    """What hard requests get."""

    at_least_percent: Percent
    """Difficulty from which this step applies; the highest step reached counts."""
    backends: BackendRefs = ()
    """Asked before the route's own backends."""
    reasoning: EffortSetting | None = None


class SubjectMatch(Part):
    """Some subjects."""

    tenant: Tenant
    """The tenant, as the API key says it."""
    user: Annotated[str, Field(max_length=253)] | None = None
    """One user of the tenant; all by default."""


class Overrides(Part):
    """What clients may choose themselves."""

    models: Override = Override.ALLOW
    """Pinning a backend of this policy by its real name."""
    modes: Override = Override.ALLOW
    """Asking for a mode or a reasoning effort."""
    subjects: Annotated[tuple[SubjectMatch, ...], Field(max_length=256)] = ()
    """Who may, where the above say Listed."""


class Session(Part):
    """How a conversation stays with its model."""

    key: SessionKey = SessionKey.AUTO
    """Auto uses the header x-pointsman-session if sent, else subject, system prompt, tools and first user turn."""
    affinity: Affinity = Affinity.PREFER
    """Prefer stays unless another model wins by the margin; Require stays while the
    model is among the candidates at all."""
    switch_margin_percent: Percent = 5
    """By how much another model must win, on top of the lost prefix cache."""
    idle: Duration = "1h"
    """A conversation is forgotten after this time without a turn."""


class QuotaMatch(Part):
    """Whom a quota holds for; empty lists match everyone."""

    tenants: Annotated[tuple[Tenant, ...], Field(max_length=256)] = ()
    """Tenants, as API keys say them."""
    users: Annotated[tuple[Tenant, ...], Field(max_length=256)] = ()
    """Users of these tenants."""
    keys: Annotated[tuple[Tenant, ...], Field(max_length=256)] = ()
    """Ids of API keys."""


class Window(Part):
    """The time over which a quota counts."""

    type: WindowType = WindowType.ROLLING
    length: Duration | None = None
    """Of a Rolling window."""
    period: Period | None = None
    """Of a Calendar window."""
    time_zone: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$")] = "UTC"
    """IANA name; where a Calendar window's days start."""


class OnExhausted(Part):
    """What a request gets when the quota is spent."""

    action: ExhaustedAction = ExhaustedAction.REJECT
    backends: BackendRefs = ()
    """For Downgrade: who answers instead, outside this quota."""


class Quota(Part):
    """A limit per subject."""

    name: Label
    """Names the quota in answers and metrics; renaming it starts it anew."""
    match: QuotaMatch = QuotaMatch()
    per: Per = Per.USER
    resource: Resource = Resource.TOKENS
    limit: Amount
    """Requests, tokens, or an amount of money."""
    window: Window
    on_exhausted: OnExhausted = OnExhausted()


class Timeouts(Part):
    """How long to wait for a backend."""

    connect: Duration = "1s"
    first_token: Duration = "30s"
    """From sending the request to the first content of a stream. An answer that is not streamed gets half of the time
    that is left of `total`, while other candidates remain."""
    total: Duration = "5m"
    """From the request's arrival to the end of its answer, over all attempts."""


class Fallback(Part):
    """When and how the next candidate is asked."""

    triggers: Annotated[tuple[Trigger, ...], Field(max_length=8)] = tuple(Trigger)
    """Failures that the next candidate may mend; others are answered as they are."""
    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """Attempts for one request, the first included."""
    retry_budget_percent: Percent = 20
    """Attempts after the first, as a share of the requests of the last ten seconds; ten are always allowed."""
    timeouts: Timeouts = Timeouts()


class Classifier(Part):
    """How the classifier is used."""

    deadline: Duration = "50ms"
    """A later answer counts as a failure."""
    on_failure: ClassifierFailure = ClassifierFailure.USE_DEFAULT
    """UseDefault goes on without its signals; Reject answers 503."""
    min_confidence_percent: Percent = 30
    """A route that scores less is not taken."""


class RoutingPolicySpec(Part):
    """Rules for a set of virtual model names."""

    virtual_models: Annotated[tuple[ModelName, ...], Field(min_length=1, max_length=32)]
    """Names that this policy answers to."""
    routes: Annotated[tuple[Route, ...], Field(max_length=256)] = ()
    default: Default
    modes: Annotated[tuple[Mode, ...], Field(max_length=16)] = ()
    difficulty: Annotated[tuple[DifficultyStep, ...], Field(max_length=8)] = ()
    objective: Objective = Objective()
    overrides: Overrides = Overrides()
    session: Session = Session()
    quotas: Annotated[tuple[Quota, ...], Field(max_length=32)] = ()
    fallback: Fallback = Fallback()
    classifier: Classifier = Classifier()


class RoutingPolicy(Part):
    """Rules for a set of virtual model names, as a Kubernetes object."""

    api_version: Literal["pointsman.dev/v1alpha1"] = "pointsman.dev/v1alpha1"
    kind: Literal["RoutingPolicy"] = "RoutingPolicy"
    metadata: Metadata
    spec: RoutingPolicySpec
