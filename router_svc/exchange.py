"""The values that stages of the data plane hand to each other; stages know these and the core, never one another."""

from collections.abc import AsyncIterator, Callable, Mapping
from enum import StrEnum
from typing import Protocol

import msgspec

from pointsman.core.endpoints import Endpoint
from pointsman.core.errors import RequestError
from pointsman.core.quota import Balance, Charge, Usage
from pointsman.core.request import Effort, Operation, Rights, Subject, Turn
from pointsman.core.resources.policy import Trigger
from router_svc import spans
from router_svc.record import Spoken

__all__ = [
    "Answer",
    "Body",
    "Denied",
    "Ending",
    "Endpoint",
    "Failure",
    "Grant",
    "Identity",
    "Incoming",
    "Payload",
    "Reply",
    "Spoken",
    "Stream",
]


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """A request as an ingress received it, whatever the protocol."""

    operation: Operation
    body: bytes
    """OpenAI's JSON, unparsed."""
    headers: Mapping[str, str] = {}
    """Names in lower case. `authorization` is among them, hop-by-hop headers are not."""
    trace: spans.Trace = spans.OFF
    """Told what becomes of the request."""

    def __repr__(self) -> str:
        return f"Incoming({self.operation}, {len(self.body)} bytes)"


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed request body: every top-level field kept as the client's own bytes, and the facts read from them."""

    fields: Mapping[str, msgspec.Raw]
    """All top-level fields, in the client's order; what is not changed reaches the backend byte for byte."""
    model: str
    turns: tuple[Turn, ...] = ()
    prompt_tokens: int = 0
    max_output_tokens: int | None = None
    effort: Effort | None = None
    tools: bool = False
    vision: bool = False
    json: bool = False
    stream: bool = False
    include_usage: bool = False
    """The client itself asked for usage at the end of the stream."""
    user: str = ""

    def __repr__(self) -> str:
        return f"Body({len(self.fields)} fields, {self.prompt_tokens} tokens)"


class Identity(msgspec.Struct, frozen=True):
    """Who is asking."""

    subject: Subject
    rights: Rights


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What an ingress sends back: one JSON body, a stream of server-sent events, or an error."""

    status: int = 200
    """HTTP status of a body that a backend gave; for `error` the ingress maps the error's class."""
    headers: Mapping[str, str] = {}
    """The x-pointsman-* headers, and Retry-After where there is one."""
    body: bytes | None = None
    """An answer, or with `error` its OpenAI form with more beside it."""
    events: AsyncIterator[bytes] | None = None
    """Complete server-sent events, each with its closing blank line. To close the iterator cancels the request."""
    error: RequestError | None = None
    used: Callable[[], Usage] = Usage
    """What the answer has used until now; read when it has ended."""


class Grant(msgspec.Struct, frozen=True):
    """Charges that were set aside, until they are settled or cancelled."""

    id: int
    charges: tuple[Charge, ...]
    admitted_at: float
    """By the ledger's clock, in seconds."""


class Denied(msgspec.Struct, frozen=True):
    """Nothing was set aside."""

    charge: Charge
    """The first one that did not fit."""
    balance: Balance
    """What is left of its limit; `resets_after` says when to try again."""


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent to a model server for one candidate."""

    path: str
    body: bytes
    headers: Mapping[str, str] = {}
    stream: bool = False
    strip_usage: bool = False
    """The client did not ask for usage, so its event is taken out of the stream."""
    prompt_tokens: int = 0
    """Estimated size of the prompt, for usage that the model server does not report."""

    def __repr__(self) -> str:
        return f"Payload({self.path}, {len(self.body)} bytes)"


class Ending(StrEnum):
    """How a stream ended."""

    CLEAN = "Clean"
    CUT = "Cut"
    TIMEOUT = "Timeout"
    CANCELLED = "Cancelled"


class Stream(Protocol):
    """An answer under way whose first content has arrived; from here on no other model can be asked."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Complete server-sent events, the closing `[DONE]` included when the model server sent it."""

    @property
    def ending(self) -> Ending | None:
        """How it ended; None while it runs."""

    @property
    def usage(self) -> Usage:
        """What has been used until now: as reported, or estimated from the text so far."""

    @property
    def spoken(self) -> Spoken:
        """What the model server has said of its answer until now."""

    @property
    def endpoint_ok(self) -> bool | None:
        """What its end says of the endpoint: True that it answered well, False that it failed, None nothing.

        Nothing is learnt when the client left or was too slow, when the time for the whole answer ran out, and from an
        error that is the request's own fault. Valid once it has ended.
        """

    async def aclose(self) -> None:
        """Give up: closes the connection to the model server, which cancels its work."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A model server's answer: a JSON body, or a stream."""

    status: int = 200
    body: bytes | None = None
    stream: Stream | None = None
    usage: Usage = Usage()
    """For a body: as reported, or estimated."""
    spoken: Spoken = Spoken()
    """For a body."""
    first_token: float = 0.0
    """Seconds from sending to the first content (or to the whole body)."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that gave no answer."""

    trigger: Trigger | None
    """None when another candidate cannot help: the request itself is at fault."""
    message: str
    """What happened, without any text of the request or answer."""
    status: int | None = None
    """HTTP status for the client."""
    received: int | None = None
    """HTTP status of the model server's response; None when none came."""
    body: bytes | None = None
    """The model server's own error body, passed on when no other candidate is tried."""
    retry_after: float | None = None
    """Seconds for which the backend asked to be left alone."""
    endpoint_fault: bool = True
    """Whether it counts against the endpoint's health (a 429 or a refusal does not)."""
    misconfigured: bool = False
    """The backend, through whichever endpoint, does not take the router's credential, or does not know the model or the
    API. One such answer may still be the fault of its request."""
    usage: Usage = Usage()
