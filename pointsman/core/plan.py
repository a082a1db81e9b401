"""The plan: the output of `decide`, ordered candidates with their reasons. Reasons are codes, rendered when read."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from pointsman.core.quota import Charge
from pointsman.core.request import Effort
from pointsman.core.snapshot import Fallback


class Code(StrEnum):
    """Why something was chosen, changed or rejected; part of the API."""

    # why this list of backends
    PINNED = "Pinned"
    ROUTE_CLASSIFIED = "RouteClassified"
    ROUTE_MATCHED = "RouteMatched"
    ROUTE_KEPT = "RouteKept"
    NO_ROUTE_FITS = "NoRouteFits"
    EMBEDDINGS = "Embeddings"
    CLASSIFIER_LATE = "ClassifierLate"
    CLASSIFIER_FAILED = "ClassifierFailed"
    DIFFICULT = "Difficult"
    DOWNGRADED = "Downgraded"
    RETIRED_NAME = "RetiredName"
    # why this mode or effort
    MODE_BY_NAME = "ModeByName"
    MODE_BY_EFFORT = "ModeByEffort"
    MODE_BY_PHRASE = "ModeByPhrase"
    MODE_DENIED = "ModeDenied"
    EFFORT = "Effort"
    EFFORT_ADJUSTED = "EffortAdjusted"
    # why this place in the order
    BEST_QUALITY = "BestQuality"
    CHEAPEST = "Cheapest"
    FASTEST = "Fastest"
    IN_QUALITY_BAND = "InQualityBand"
    WEIGHTED = "Weighted"
    LOWER_PRIORITY = "LowerPriority"
    BELOW_BAND = "BelowBand"
    STRAINED = "Strained"
    SESSION_KEPT = "SessionKept"
    SESSION_SWITCHED = "SessionSwitched"
    FALLBACK_TIER = "FallbackTier"
    LAST_RESORT = "LastResort"
    # why not at all
    WRONG_OPERATION = "WrongOperation"
    WRONG_LABELS = "WrongLabels"
    CONTEXT_TOO_SHORT = "ContextTooShort"
    OUTPUT_TOO_SHORT = "OutputTooShort"
    NO_TOOLS = "NoTools"
    NO_VISION = "NoVision"
    NO_JSON = "NoJson"
    TOO_COSTLY = "TooCostly"
    TOO_SLOW = "TooSlow"
    NO_ENDPOINTS = "NoEndpoints"
    UNAVAILABLE = "Unavailable"
    COOLING_DOWN = "CoolingDown"
    QUOTA_SPENT = "QuotaSpent"


class Reason(msgspec.Struct, frozen=True):
    """A code and the values that make it concrete."""

    code: Code
    detail: Mapping[str, str | int | float] = {}

    def __str__(self) -> str:
        if not self.detail:
            return str(self.code)
        return f"{self.code}({', '.join(f'{key}={value}' for key, value in self.detail.items())})"


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One backend with one reasoning effort, to be tried in its turn."""

    backend: str
    """Key of the backend."""
    effort: Effort | None = None
    """What is sent upstream; None leaves the model's own default."""
    quality: float
    """Expected probability of a good answer."""
    cost: int
    """Expected cost, in picos."""
    tier: str
    """Which list it comes from: a route's name, "difficulty", "default", "pinned" or "downgrade"."""
    priority: int = 0
    reasons: tuple[Reason, ...] = ()
    charges: tuple[Charge, ...] = ()
    """What must be admitted before this candidate is tried."""


class Rejection(msgspec.Struct, frozen=True):
    """A backend that may not answer, and why."""

    backend: str
    reason: Reason


class RefusalKind(StrEnum):
    """Why a plan has no candidate."""

    UNKNOWN_MODEL = "UnknownModel"
    FORBIDDEN = "Forbidden"
    QUOTA_EXCEEDED = "QuotaExceeded"
    INVALID = "Invalid"
    """The request asks for more than any backend can do."""
    NO_CANDIDATE = "NoCandidate"
    CLASSIFIER = "Classifier"


class Refusal(msgspec.Struct, frozen=True):
    """Why nothing is tried at all."""

    kind: RefusalKind
    message: str
    code: str
    retry_after: float | None = None
    """Seconds."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The ordered candidates for one request."""

    id: str
    """The decision id."""
    snapshot: str
    """Version of the snapshot."""
    model: str
    """The name asked for."""
    policy: str | None = None
    """Key of the policy, None when a backend without a policy is pinned."""
    route: str | None = None
    mode: str | None = None
    reasons: tuple[Reason, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    downgraded: str | None = None
    """Name of the spent quota."""
    refusal: Refusal | None = None
    """Set exactly when there are no candidates."""
    fallback: Fallback = Fallback()
