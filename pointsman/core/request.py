"""One request, as the core sees it: facts for `decide`, free of any protocol."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Operation(StrEnum):
    """Which kind of answer is asked for."""

    CHAT = "chat"
    COMPLETION = "completion"
    EMBEDDINGS = "embeddings"


class Effort(StrEnum):
    """How long a model should think before it answers, from not at all to as long as it can."""

    NONE = "None"
    MINIMAL = "Minimal"
    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"
    X_HIGH = "XHigh"

    @property
    def rank(self) -> int:
        """Position in the order of effort: 0 is None, 5 is XHigh."""
        return _EFFORT_RANK[self]


_EFFORT_RANK = {effort: rank for rank, effort in enumerate(Effort)}


class Subject(msgspec.Struct, frozen=True):
    """Who is billed."""

    tenant: str = "default"
    user: str = ""
    key: str = ""
    """Identifier of the API key (not the key, nor its hash)."""


class Rights(msgspec.Struct, frozen=True):
    """What a subject's key may ask for."""

    models: tuple[str, ...] = ()
    """Names (virtual or real) that the key may ask for; empty allows all."""
    speak_for_users: bool = False
    """May set `user` in the request body, so that quotas count per user."""

    def allow(self, *names: str) -> bool:
        """Whether any of a model's names is within these rights."""
        return not self.models or any(name in self.models for name in names)


class Turn(msgspec.Struct, frozen=True):
    """One message of a conversation. Its text is private: never log, count or export it."""

    role: str
    text: str

    def __repr__(self) -> str:
        return f"Turn({self.role}, {len(self.text)} characters)"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request that has been parsed and identified, before anything is decided."""

    id: str
    """The decision id, unique per request."""
    operation: Operation = Operation.CHAT
    model: str
    """The name asked for: a virtual name, NAME:MODE, an alias or a real model."""
    turns: tuple[Turn, ...] = ()
    """The conversation, oldest first. Completions and embeddings are one user turn per input."""
    subject: Subject = Subject()
    rights: Rights = Rights()
    prompt_tokens: int = 0
    """Estimated size of the prompt, in tokens, tools and images included."""
    max_output_tokens: int | None = None
    """What the client allows as output, in tokens; None when it did not say."""
    effort: Effort | None = None
    """What the client asked for by `reasoning_effort`."""
    tools: bool = False
    """Tools are offered to the model."""
    vision: bool = False
    """At least one image is part of the prompt."""
    json: bool = False
    """Structured output (`response_format`) is asked for."""
    stream: bool = False
    headers: Mapping[str, str] = {}
    """HTTP headers or gRPC metadata, names in lower case, without credentials."""
    session: str = ""
    """The session's key (an HMAC that includes the subject), or empty for none."""

    @property
    def last_user_text(self) -> str:
        """Text of the last user turn, or an empty string."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user"), "")
