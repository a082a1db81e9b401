"""Signals: what is known of a request before deciding.

Signals that cost nothing (sizes, language, keywords, phrases) are observed first; a `Classification` adds what
only a model can tell. A pinned model needs no classification, and a failed or late one leaves its signals empty.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Score(msgspec.Struct, frozen=True):
    """An estimate between 0 and 1, and how sure its maker is of it (0 to 1)."""

    value: float
    confidence: float


class Classification(msgspec.Struct, frozen=True, kw_only=True):
    """What a classifier says of one request."""

    routes: Mapping[str, float] = {}
    """Per route name of the policy: probability that the request belongs there (they need not add up to 1;
    what is missing from 1 is the probability that no route fits)."""
    category: Mapping[str, float] = {}
    """Per `Category`: probability; adds up to 1."""
    difficulty: Score | None = None
    """0 is trivial, 1 is beyond most models."""
    reasoning: Score | None = None
    """Whether thinking before answering pays."""
    tool_need: Score | None = None
    """Whether an answer needs a tool."""
    commercial: Score | None = None
    """Commercial intent: whether the user wants to buy, book or compare offers."""
    gain: float | None = None
    """How much likelier a strong model answers well than a weak one, 0 to 1. Small for what every model can answer,
    and for what none can: unlike difficulty, it says where a better model pays."""
    guard: Mapping[str, float] = {}
    """Probability that the last user turn is a prompt `injection`, a `jailbreak`, or holds personal data (`pii`).
    A hint, not a safety filter."""


class ClassifierOutcome(StrEnum):
    """How classification ended."""

    NOT_NEEDED = "NotNeeded"
    ANSWERED = "Answered"
    LATE = "Late"
    FAILED = "Failed"


class Signals(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `decide` may know of a request besides its plain facts."""

    language: str | None = None
    """ISO 639-1 code of the last user turn, or None when it cannot be told."""
    language_confidence: float = 0.0
    phrase_mode: str | None = None
    """The mode whose phrase ("think hard") the last user turn contains."""
    matched: frozenset[str] = frozenset()
    """Names of the routes whose match rules admit this request."""
    classifier: ClassifierOutcome = ClassifierOutcome.NOT_NEEDED
    classification: Classification = Classification()
