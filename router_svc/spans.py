"""What a request's story tells of itself while it goes on.

The classes here do nothing: they are tracing switched off, at the price of a few empty calls, with no attribute built.
`tracing` has those that make spans. Nothing in here fails a request, and none of its methods is told any text of one.

    with tracing.http(path, headers) as trace:     the ingress; whatever is still open ends with it
        with trace.classifying() as stage: ...     a stage, and what it found
        with trace.deciding() as stage: ...
        trace.trying(...)                          a candidate; the same again at its next endpoint
        call = trace.calling(endpoint, path)       one attempt at one endpoint, beneath it
        trace.failed(...)  or  trace.finished(...)  a stream tells its end when it has ended
"""

from collections.abc import Mapping
from typing import Protocol, Self

from pointsman.core.endpoints import Endpoint
from pointsman.core.plan import Candidate, Plan
from pointsman.core.request import Request
from pointsman.core.resources.policy import Trigger
from pointsman.core.signals import Signals
from pointsman.core.snapshot import Backend
from router_svc.record import GenerationRecord

_NO_HEADERS: Mapping[str, str] = {}


class Stage:
    """A stage under way; a context manager."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        return

    def classified(self, signals: Signals) -> None:
        """What the classifier said."""

    def decided(self, plan: Plan) -> None:
        """What was decided, and why."""


class Call:
    """One attempt at one endpoint, until its answer has ended."""

    __slots__ = ()
    headers: Mapping[str, str] = _NO_HEADERS
    """To be sent with it (names in lower case), so that the model server's spans hang beneath."""

    def answered(self, status: int) -> None:
        """A usable response has begun, with this HTTP status."""

    def failed(self, status: int | None, error: str) -> None:
        """No answer. `status` is the HTTP status, if a response came."""

    def ended(self) -> None:
        """Nothing of it is left."""


class Trace:
    """One request; a context manager that the ingress holds until the answer is out."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        return

    def said(self, status: int | str) -> None:
        """The status that the client got: HTTP's number or gRPC's name."""

    def classifying(self) -> Stage:
        """The classifier is asked."""
        return _STAGE

    def deciding(self) -> Stage:
        """The decision is made."""
        return _STAGE

    def trying(self, request: Request, candidate: Candidate, backend: Backend) -> None:
        """A candidate is tried; the one before it, if it is another, has failed."""

    def calling(self, endpoint: Endpoint, path: str) -> Call:
        """An endpoint of that candidate is called."""
        return _CALL

    def failed(self, trigger: Trigger | None, message: str) -> None:
        """The candidate gave no answer. `message` holds no text of the request."""

    def finished(self, record: GenerationRecord) -> None:
        """The request is over, a stream included."""


class Tracing(Protocol):
    """Begins traces."""

    def http(self, path: str, headers: Mapping[str, str]) -> Trace:
        """Of a POST to this path of our API."""

    def grpc(self, method: str, headers: Mapping[str, str]) -> Trace:
        """Of a call; `method` is "package.Service/Method"."""


class _Untraced:
    def http(self, path: str, headers: Mapping[str, str]) -> Trace:
        return OFF

    def grpc(self, method: str, headers: Mapping[str, str]) -> Trace:
        return OFF


_STAGE, _CALL, OFF = Stage(), Call(), Trace()
UNTRACED: Tracing = _Untraced()
