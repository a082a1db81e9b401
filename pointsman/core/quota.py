"""What a request is charged for: charges are data, so that a quota store knows nothing of policies."""

from enum import StrEnum

import msgspec

from pointsman.core.snapshot import Window


class Unit(StrEnum):
    """What a charge counts."""

    REQUESTS = "Requests"
    TOKENS = "Tokens"
    COST = "Cost"
    CONCURRENCY = "Concurrency"


class Scope(StrEnum):
    """Whose limit a charge counts against: the subject's quota, or the backend's own limits."""

    SUBJECT = "Subject"
    BACKEND = "Backend"


class Charge(msgspec.Struct, frozen=True):
    """An amount to be set aside before dispatch, against one limit."""

    key: str
    """Names the counter: policy, quota and subject, or backend and limit."""
    scope: Scope
    name: str
    """The quota's or limit's name, for people."""
    unit: Unit
    amount: int
    """Requests, tokens, picos, or 1 for concurrency."""
    limit: int
    window: Window | None
    """None for concurrency, which is given back at settlement."""


class Usage(msgspec.Struct, frozen=True):
    """What a request really used, in tokens."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Part of the prompt tokens that the model server found in its prefix cache."""
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    """Part of the completion tokens."""
    estimated: bool = False
    """Counted by the router, since the model server reported nothing."""

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


class Balance(msgspec.Struct, frozen=True):
    """What is left of one limit."""

    remaining: int
    """May be negative: excess is carried as debt."""
    resets_after: float
    """Seconds until the charge that was asked about fits, or until something is given back if it fits now. 0 where
    waiting does not help, since the charge is larger than the limit."""
