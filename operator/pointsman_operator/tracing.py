"""Spans of what the control plane does: of each cycle from a change to its publication, and of each push to a router.

reconcile                          push            one for each router, until it acknowledges or refuses;
├─ gather  changes are waited for   ╌╌╌▶ linked to the reconcile that made what is pushed
├─ build   compiled and resolved   report          statuses and Events are written
└─ publish given a position
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry.trace import Link, NoOpTracer, Span, SpanContext, SpanKind, StatusCode, Tracer
from opentelemetry.util.types import AttributeValue

from pointsman.core.compile import Status
from pointsman.runtime.telemetry import conventions as names
from pointsman.v1 import snapshot_stream_pb2 as pb
from pointsman_operator.world import World


class Reconcile:
    """One cycle."""

    def __init__(self, tracer: Tracer, span: Span) -> None:
        self._tracer, self._span = tracer, span
        self.changed: tuple[str, ...] = ()
        """What differs from what was there before."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A part of it."""
        with _span(self._tracer, name):
            yield

    def built(self, before: World | None, world: World) -> None:
        """What came of it, in numbers."""
        if not self._span.is_recording():
            return
        self.changed = tuple(_changes(before, world))
        snapshot = world.compilation.snapshot
        refused = [each for each in world.compilation.verdicts if each.accepted.status is Status.FALSE]
        self._span.set_attributes(
            {
                names.CHANGED: self.changed,
                names.SNAPSHOT: world.wire.version,
                names.OBJECTS: len(world.observed),
                names.REFUSED: len(refused),
                names.POLICIES: len(snapshot.policies),
                names.BACKENDS: len(snapshot.backends),
                names.ENDPOINTS: sum(len(found.endpoints) for found in world.endpoints.values()),
            }
        )

    def failed(self, error: Exception) -> None:
        """Nothing came of it."""
        _fail(self._span, type(error).__name__)


class Push:
    """What one router is sent for one position, until it answers."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def acknowledged(self) -> None:
        """It is in force there."""
        self._span.end()

    def refused(self, reason: str) -> None:
        """It is not."""
        _fail(self._span, reason)
        self._span.end()

    def abandoned(self) -> None:
        """The stream ended before an answer came."""
        _fail(self._span, "StreamEnded")
        self._span.end()


class Tracing:
    """Makes the spans; without a tracer, none."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer = tracer or NoOpTracer()
        self._cause: SpanContext | None = None

    @contextmanager
    def reconciling(self) -> Iterator[Reconcile]:
        """One cycle."""
        with _span(self._tracer, names.RECONCILE) as span:
            cycle = Reconcile(self._tracer, span)
            yield cycle
            if cycle.changed:
                self._cause = span.get_span_context()

    @contextmanager
    def reporting(self, writes: int) -> Iterator[None]:
        """So many statuses are written."""
        attributes: dict[str, AttributeValue] = {names.WRITES: writes}
        with _span(self._tracer, names.REPORT, attributes):
            yield

    def pushing(self, router: str, position: pb.Position, updates: Sequence[pb.Update]) -> Push:
        """A router is sent what it lacks."""
        links = [Link(self._cause)] if self._cause is not None else []
        span = self._tracer.start_span(names.PUSH, kind=SpanKind.CLIENT, links=links)
        if span.is_recording():
            attributes: dict[str, AttributeValue] = {
                names.ROUTER: router,
                names.POSITION: f"{position.epoch}.{position.sequence}",
                names.MESSAGES: len(updates),
                names.BYTES: sum(update.ByteSize() for update in updates),
            }
            span.set_attributes(attributes)
        return Push(span)


@contextmanager
def _span(tracer: Tracer, name: str, attributes: Mapping[str, AttributeValue] | None = None) -> Iterator[Span]:
    """The current span while the block runs. Of an exception it has the type only: messages may quote anything."""
    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:
            _fail(span, type(error).__name__)
            raise


def _changes(before: World | None, world: World) -> Iterator[str]:
    if before is None or before.wire.version != world.wire.version:
        yield "snapshot"
    if before is None or before.endpoints != world.endpoints:
        yield "endpoints"
    if before is None or (before.credentials, before.keys) != (world.credentials, world.keys):
        yield "credentials"


def _fail(span: Span, error: str) -> None:
    span.set_attribute(names.ERROR_TYPE, error)
    span.set_status(StatusCode.ERROR)
