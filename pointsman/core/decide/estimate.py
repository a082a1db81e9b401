"""Expected quality and cost of one backend for one request.

A new model is a YAML change: the classifier knows requests, a backend states its ability per category, and
item-response theory links them: P(good) = sigmoid(ability - difficulty).
"""

import math

import msgspec

from pointsman.core.categories import ANY_CATEGORY
from pointsman.core.quota import Usage
from pointsman.core.request import Operation, Request
from pointsman.core.signals import Classification
from pointsman.core.snapshot import Backend
from pointsman.core.state import SessionState

RESERVED_OUTPUT_TOKENS = 1_024
"""Output tokens that a request is expected to need, and reserves, unless it allows fewer."""

PRIOR_QUALITY = 0.5
"""Of a backend that states none."""

_DIFFICULTY_SPAN = 4.0
"""Logits between a trivial request and one beyond most models. At .5, quality is what the backend states."""

_UNLIKELY = 0.02
"""Categories less likely than this are left out."""

_EDGE = 0.001
"""Stated qualities of 0 and 1 are taken as this far from certainty."""


def expected_output(request: Request) -> int:
    """Output tokens to expect and to reserve."""
    if request.operation is Operation.EMBEDDINGS:
        return 0
    if request.max_output_tokens is None:
        return RESERVED_OUTPUT_TOKENS
    return min(request.max_output_tokens, RESERVED_OUTPUT_TOKENS)


def expected_cost(request: Request, backend: Backend, session: SessionState | None) -> int:
    """Picos. The part of the prompt that the conversation's own backend has cached costs the cached price."""
    cached = 0
    if session is not None and session.backend == backend.key:
        cached = min(session.prefix_tokens, request.prompt_tokens)
    return (
        (request.prompt_tokens - cached) * backend.input_price
        + cached * backend.cached_input_price
        + expected_output(request) * backend.output_price
    )


def actual_cost(usage: Usage, backend: Backend) -> int:
    """Picos, for what was really used."""
    return (
        (usage.prompt_tokens - usage.cached_tokens) * backend.input_price
        + usage.cached_tokens * backend.cached_input_price
        + usage.completion_tokens * backend.output_price
    )


class Need(msgspec.Struct, frozen=True):
    """What a request asks of a model: computed once, held against every backend."""

    categories: tuple[tuple[str, float], ...]
    """Categories that matter, with their share; adds up to 1, or is empty when nothing is known."""
    shift: float
    """Logits that its difficulty takes from every model's ability."""


def need_of(classification: Classification) -> Need:
    """Leaves out categories too unlikely to change an order."""
    likely = [(name, share) for name, share in classification.category.items() if share >= _UNLIKELY]
    total = sum(share for _, share in likely)
    difficulty = 0.5 if classification.difficulty is None else classification.difficulty.value
    return Need(tuple((name, share / total) for name, share in likely), _DIFFICULTY_SPAN * (difficulty - 0.5))


def expected_quality(backend: Backend, need: Need) -> float:
    """Probability of a good answer."""
    stated = backend.quality
    ability = stated.get(ANY_CATEGORY, PRIOR_QUALITY)
    if need.categories and len(stated) > 1:
        ability = sum(share * stated.get(name, ability) for name, share in need.categories)
    ability = min(max(ability, _EDGE), 1 - _EDGE)
    return 1 / (1 + math.exp(need.shift - math.log(ability / (1 - ability))))
