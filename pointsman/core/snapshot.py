"""The snapshot: everything a router needs to decide, compiled, immutable, named by the hash of its content.

Names are resolved ("namespace/name" keys), durations are seconds, percents are fractions, money is picos (10^-12 of
the installation's currency). Endpoints and credentials travel apart and are not part of it.
"""

from collections.abc import Mapping
from functools import cached_property

import msgspec

from pointsman.core.request import Effort
from pointsman.core.resources.backend import (
    LoadBalancingType,
    ReasoningParameter,
    ReasoningType,
    ServedOperation,
)
from pointsman.core.resources.policy import (
    Affinity,
    ClassifierFailure,
    ExhaustedAction,
    ObjectiveType,
    Override,
    Per,
    Period,
    Resource,
    SessionKey,
    ToolMatch,
    Trigger,
    WindowType,
)


class Struct(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of every compiled part."""


class ServiceTarget(Struct, frozen=True, kw_only=True):
    """A Service and one of its ports."""

    namespace: str
    name: str
    port: int


class ExternalTarget(Struct, frozen=True, kw_only=True):
    """A host outside the cluster."""

    host: str
    port: int
    tls: bool


class SecretKey(Struct, frozen=True, kw_only=True):
    """Where a credential is; never the credential."""

    namespace: str
    name: str
    key: str


class Replaced(Struct, frozen=True, kw_only=True):
    """A retired name and the time (epoch seconds) from which it is answered."""

    name: str
    not_before: float = 0.0


class ReasoningSupport(Struct, frozen=True, kw_only=True):
    """How a backend thinks."""

    type: ReasoningType = ReasoningType.NONE
    efforts: tuple[Effort, ...] = ()
    parameter: ReasoningParameter = ReasoningParameter.REASONING_EFFORT


class Limits(Struct, frozen=True, kw_only=True):
    """What a backend takes; None is unlimited."""

    concurrency: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None


class HealthCheck(Struct, frozen=True, kw_only=True):
    """An active check: path, and seconds between two."""

    path: str
    interval: float


class Outlier(Struct, frozen=True, kw_only=True):
    """Ejection rules; times in seconds, share as a fraction."""

    consecutive_errors: int = 5
    base_ejection: float = 30.0
    max_ejected: float = 0.5


class Backend(Struct, frozen=True, kw_only=True):
    """A compiled ModelBackend."""

    namespace: str
    name: str
    labels: Mapping[str, str] = {}
    model: str
    aliases: tuple[str, ...] = ()
    replaces: tuple[Replaced, ...] = ()
    service: ServiceTarget | None = None
    external: ExternalTarget | None = None
    credential: SecretKey | None = None
    operations: frozenset[ServedOperation] = frozenset()
    context_tokens: int | None = None
    output_tokens: int | None = None
    tools: bool = True
    vision: bool = False
    json: bool = True
    reasoning: ReasoningSupport = ReasoningSupport()
    input_price: int = 0
    """Picos per prompt token."""
    cached_input_price: int = 0
    """Picos per prompt token found in the model server's prefix cache."""
    output_price: int = 0
    """Picos per completion token."""
    quality: Mapping[str, float] = {}
    """Per category (or "*"): prior probability of a good answer to a request of middling difficulty."""
    limits: Limits = Limits()
    load_balancing: LoadBalancingType = LoadBalancingType.LEAST_REQUEST
    health: HealthCheck | None = None
    outlier: Outlier = Outlier()

    @property
    def key(self) -> str:
        """Namespace and name, as policies refer to it."""
        return f"{self.namespace}/{self.name}"


class Preference(Struct, frozen=True, kw_only=True):
    """One backend of a list."""

    backend: str
    """Key of the backend."""
    weight: int | None = None
    priority: int = 0


class MatchRules(Struct, frozen=True, kw_only=True):
    """Cheap rules of a route; keywords and header names are in lower case."""

    languages: frozenset[str] = frozenset()
    keywords: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}
    tools: ToolMatch = ToolMatch.ANY
    min_prompt_tokens: int = 0


class Route(Struct, frozen=True, kw_only=True):
    """A compiled route."""

    name: str
    domain: str = ""
    action: str = ""
    description: str = ""
    examples: tuple[str, ...] = ()
    match: MatchRules = MatchRules()
    selector: Mapping[str, str] = {}
    backends: tuple[Preference, ...] = ()
    effort: Effort | None = None

    @property
    def described(self) -> bool:
        """Whether the classifier can tell which requests belong here."""
        return bool(self.domain or self.action or self.description or self.examples)


class Objective(Struct, frozen=True, kw_only=True):
    """What is optimised; band as a fraction, cost in picos, time in seconds."""

    type: ObjectiveType = ObjectiveType.BALANCED
    quality_band: float = 0.02
    max_cost: int | None = None
    max_first_token: float | None = None


class Mode(Struct, frozen=True, kw_only=True):
    """A compiled mode; phrases are in lower case."""

    name: str
    phrases: tuple[str, ...] = ()
    effort: Effort | None = None
    objective: Objective | None = None


class DifficultyStep(Struct, frozen=True, kw_only=True):
    """What requests of at least this difficulty (0 to 1) get."""

    at_least: float
    backends: tuple[Preference, ...] = ()
    effort: Effort | None = None


class SubjectRule(Struct, frozen=True, kw_only=True):
    """One tenant, or one user of it."""

    tenant: str
    user: str | None = None


class Overrides(Struct, frozen=True, kw_only=True):
    """What clients may choose."""

    models: Override = Override.ALLOW
    modes: Override = Override.ALLOW
    subjects: tuple[SubjectRule, ...] = ()


class SessionRules(Struct, frozen=True, kw_only=True):
    """How a conversation stays with its model; margin as a fraction, idle in seconds."""

    key: SessionKey = SessionKey.AUTO
    affinity: Affinity = Affinity.PREFER
    margin: float = 0.05
    idle: float = 3600.0


class Window(Struct, frozen=True, kw_only=True):
    """Time over which a quota counts."""

    type: WindowType = WindowType.ROLLING
    length: float = 0.0
    """Seconds, of a Rolling window."""
    period: Period | None = None
    time_zone: str = "UTC"


class Quota(Struct, frozen=True, kw_only=True):
    """A compiled quota. `limit` is requests, tokens or picos."""

    name: str
    tenants: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    per: Per = Per.USER
    resource: Resource = Resource.TOKENS
    limit: int
    window: Window
    action: ExhaustedAction = ExhaustedAction.REJECT
    backends: tuple[Preference, ...] = ()


class Timeouts(Struct, frozen=True, kw_only=True):
    """Seconds."""

    connect: float = 1.0
    first_token: float = 30.0
    total: float = 300.0


class Fallback(Struct, frozen=True, kw_only=True):
    """When the next candidate is asked; budget as a fraction."""

    triggers: frozenset[Trigger] = frozenset(Trigger)
    max_attempts: int = 3
    retry_budget: float = 0.2
    timeouts: Timeouts = Timeouts()


class ClassifierRules(Struct, frozen=True, kw_only=True):
    """Deadline in seconds, confidence as a fraction."""

    deadline: float = 0.05
    on_failure: ClassifierFailure = ClassifierFailure.USE_DEFAULT
    min_confidence: float = 0.3


class Policy(Struct, frozen=True, kw_only=True):
    """A compiled RoutingPolicy. Only backends that resolved are listed."""

    namespace: str
    name: str
    created: str = ""
    virtual_models: tuple[str, ...]
    routes: tuple[Route, ...] = ()
    default: Route
    """Named "default"; matches everything."""
    modes: tuple[Mode, ...] = ()
    difficulty: tuple[DifficultyStep, ...] = ()
    """Highest step first."""
    objective: Objective = Objective()
    overrides: Overrides = Overrides()
    session: SessionRules = SessionRules()
    quotas: tuple[Quota, ...] = ()
    fallback: Fallback = Fallback()
    classifier: ClassifierRules = ClassifierRules()
    problem: str = ""
    """Why this policy answers 503: nothing it refers to resolved. Empty when it is in order."""

    @property
    def key(self) -> str:
        """Namespace and name."""
        return f"{self.namespace}/{self.name}"

    def mode(self, name: str) -> Mode | None:
        """The mode of this name, if there is one."""
        return next((mode for mode in self.modes if mode.name == name), None)

    def backend_keys(self) -> frozenset[str]:
        """Every backend that this policy may send a request to."""
        lists = [route.backends for route in (*self.routes, self.default)]
        lists += [step.backends for step in self.difficulty] + [quota.backends for quota in self.quotas]
        return frozenset(preference.backend for preferences in lists for preference in preferences)


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All compiled objects, by key. `version` names the content: equal content has an equal version."""

    version: str
    features: frozenset[str] = frozenset()
    backends: Mapping[str, Backend] = {}
    policies: Mapping[str, Policy] = {}

    @cached_property
    def virtual_names(self) -> Mapping[str, Policy]:
        """Policy by virtual model name (unique after compilation)."""
        return {name: policy for policy in self.policies.values() for name in policy.virtual_models}

    @cached_property
    def aliases(self) -> Mapping[str, Backend]:
        """Backend by alias (unique after compilation)."""
        return {alias: backend for backend in self.backends.values() for alias in backend.aliases}

    @cached_property
    def retired(self) -> Mapping[str, tuple[Backend, float]]:
        """Backend and start time by retired name (unique after compilation)."""
        return {old.name: (backend, old.not_before) for backend in self.backends.values() for old in backend.replaces}

    @cached_property
    def by_name(self) -> Mapping[str, Backend]:
        """Backend by its object name, and by "namespace/name"; the first by key wins a name used twice."""
        names = {backend.name: backend for _, backend in sorted(self.backends.items(), reverse=True)}
        return {**names, **self.backends}

    @cached_property
    def by_upstream_model(self) -> Mapping[str, Backend]:
        """Backend by the name of its upstream model; the first by key wins a name used twice."""
        return {backend.model: backend for _, backend in sorted(self.backends.items(), reverse=True)}

    @cached_property
    def backends_of(self) -> Mapping[str, frozenset[str]]:
        """Keys of the backends that a policy may send a request to, by the policy's key; asked for every request."""
        return {policy.key: policy.backend_keys() for policy in self.policies.values()}

    @cached_property
    def listed_by(self) -> Mapping[str, tuple[Policy, ...]]:
        """Policies that list a backend, oldest first, by the backend's key."""
        listed: dict[str, list[Policy]] = {}
        for policy in sorted(self.policies.values(), key=lambda policy: (policy.created, policy.key)):
            for key in self.backends_of[policy.key]:
                listed.setdefault(key, []).append(policy)
        return {key: tuple(policies) for key, policies in listed.items()}

    @cached_property
    def classifying(self) -> frozenset[str]:
        """Keys of the policies that gain by classification: routes in plain language, steps of difficulty, or
        backends whose quality differs by category."""
        return frozenset(
            policy.key
            for policy in self.policies.values()
            if policy.difficulty
            or any(route.described for route in policy.routes)
            or any(len(self.backends[key].quality) > 1 for key in self.backends_of[policy.key] if key in self.backends)
        )

    @cached_property
    def reading_languages(self) -> frozenset[str]:
        """Keys of the policies for which a request's language is worth telling: those with language rules, and those
        that classify anyway."""
        rules = (p.key for p in self.policies.values() if any(route.match.languages for route in p.routes))
        return self.classifying.union(rules)
