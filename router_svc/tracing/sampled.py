"""A request with all its spans."""

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Tracer

from pointsman.core.endpoints import Endpoint
from pointsman.core.plan import Candidate, Plan
from pointsman.core.request import Request
from pointsman.core.resources.policy import Trigger
from pointsman.core.signals import ClassifierOutcome, Signals
from pointsman.core.snapshot import Backend
from pointsman.runtime.telemetry import conventions as names
from pointsman.runtime.telemetry.context import headers_of
from router_svc import spans
from router_svc.record import GenerationRecord
from router_svc.tracing import attributes
from router_svc.tracing.attributes import OPERATIONS, Attributes
from router_svc.tracing.current import Current, fail

_OUR_FAULTS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
"""gRPC statuses that are errors of a server, as the conventions have it."""
_ENDED_WELL = frozenset({"Clean", "Cancelled"})


class Sampled(Current, spans.Trace):
    """A request with all its spans."""

    __slots__ = ("_candidate", "_failure", "_inference", "_resent", "_said", "_tracer")

    def __init__(self, tracer: Tracer, span: Span, context: Context) -> None:
        super().__init__(span, context)
        self._tracer = tracer
        self._candidate: Candidate | None = None
        self._inference: Span | None = None
        self._failure: tuple[str, str] | None = None
        self._resent = 0
        self._said = False

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._end_inference("Cancelled")
        super().__exit__(None if self._said else kind)

    def said(self, status: int | str) -> None:
        """An error only where it is the router's, as the conventions have it."""
        self._said = True
        if isinstance(status, int):
            self._span.set_attribute(names.HTTP_STATUS, status)
            if status >= 500:
                fail(self._span, str(status))
            return
        self._span.set_attribute(names.RPC_STATUS, status)
        if status in _OUR_FAULTS:
            fail(self._span, status)

    def classifying(self) -> spans.Stage:
        """A span beneath the request's."""
        return self._stage(names.CLASSIFY)

    def deciding(self) -> spans.Stage:
        """A span beneath the request's."""
        return self._stage(names.DECIDE)

    def trying(self, request: Request, candidate: Candidate, backend: Backend) -> None:
        """A span for each candidate, however many of its endpoints are asked."""
        if candidate is self._candidate:
            self._resent += 1
            return
        self._end_inference("Denied")  # unless it failed: others took the rest of the quota meanwhile
        self._candidate, self._resent = candidate, 0
        self._span.set_attribute(names.TENANT, request.subject.tenant)
        operation = OPERATIONS[request.operation]
        self._inference = self._tracer.start_span(
            f"{operation} {backend.model}",
            self._context,
            SpanKind.CLIENT,
            attributes.asked(operation, request, candidate, backend),
        )

    def calling(self, endpoint: Endpoint, path: str) -> spans.Call:
        """A span beneath the candidate's."""
        where: Attributes = {names.SERVER_ADDRESS: endpoint.host, names.SERVER_PORT: endpoint.port}
        parent = self._inference or self._span
        parent.set_attributes(where)
        scheme = "https" if endpoint.tls else "http"
        call: Attributes = {
            names.HTTP_METHOD: "POST",
            names.URL_FULL: f"{scheme}://{endpoint.authority}{path}",
            **where,
        }
        if self._resent:
            call[names.HTTP_RESEND_COUNT] = self._resent
        context = trace.set_span_in_context(parent, self._context)
        return Calling(self._tracer.start_span("POST", context, SpanKind.CLIENT, call))

    def failed(self, trigger: Trigger | None, message: str) -> None:
        """Kept until it is known that no other endpoint of the candidate is asked."""
        self._failure = (str(trigger or "Rejected"), message)

    def finished(self, record: GenerationRecord) -> None:
        """The candidate's span gets the usage, the request's the outcome."""
        if self._inference is not None and record.backend is not None:
            self._failure = None
            self._inference.set_attributes(attributes.answered(record))
            if record.outcome not in _ENDED_WELL:
                fail(self._inference, record.outcome)
        self._end_inference(record.outcome)
        self._span.set_attributes({names.OUTCOME: record.outcome, names.ATTEMPTS: len(record.attempts)})
        if record.backend is not None:
            self._span.set_attribute(names.BACKEND, record.backend)

    def _stage(self, name: str) -> "FindingStage":
        span = self._tracer.start_span(name, self._context)
        return FindingStage(span, trace.set_span_in_context(span, self._context), self._span)

    def _end_inference(self, outcome: str) -> None:
        if self._inference is None:
            return
        self._inference.set_attribute(names.OUTCOME, self._failure[0] if self._failure is not None else outcome)
        if self._failure is not None:
            fail(self._inference, *self._failure)
        self._inference.end()
        self._inference = self._candidate = self._failure = None


class FindingStage(Current, spans.Stage):
    """A stage's span; what was found is told of the request's too, where people look first."""

    __slots__ = ("_idle", "_root")

    def __init__(self, span: Span, context: Context, root: Span) -> None:
        super().__init__(span, context)
        self._root = root
        self._idle = False

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._idle and kind is None:
            contexts.detach(self._token)  # a span that is never ended is never sent
        else:
            super().__exit__(kind)

    def classified(self, signals: Signals) -> None:
        """What was found, by the names of policies and of published lists."""
        self._idle = signals.classifier is ClassifierOutcome.NOT_NEEDED
        if self._idle:
            return
        self._span.set_attributes(attributes.classified(signals))

    def decided(self, plan: Plan) -> None:
        """The plan, with its reasons as codes."""
        decision = attributes.decision(plan)
        self._root.set_attributes(decision)
        self._span.set_attributes(
            {
                **decision,
                names.SNAPSHOT: plan.snapshot,
                names.CANDIDATES: [candidate.backend for candidate in plan.candidates],
                names.REJECTED: [f"{each.backend}={each.reason.code}" for each in plan.rejected],
            }
        )


class Calling(spans.Call):
    """An attempt's span."""

    __slots__ = ("_span", "_status", "headers")

    def __init__(self, span: Span) -> None:
        self._span, self._status = span, 0
        self.headers = headers_of(span.get_span_context())

    def answered(self, status: int) -> None:
        """A usable response has begun."""
        self._status = status

    def failed(self, status: int | None, error: str) -> None:
        """By the status where a response came, else by what went wrong."""
        self._status = status or 0
        fail(self._span, str(status) if status is not None and status >= 400 else error)

    def ended(self) -> None:
        """End the span."""
        if self._status:
            self._span.set_attribute(names.HTTP_STATUS, self._status)
        self._span.end()
