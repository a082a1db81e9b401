"""The metrics that OpenTelemetry's conventions ask of a client of model servers, beside Prometheus' (`metrics`).

Recorded for each candidate that was tried, whether its trace is sampled or not. Attributes hold names from resources.
"""

from opentelemetry.metrics import Histogram, Meter

from pointsman.runtime.telemetry import conventions as names
from router_svc.record import AttemptRecord, GenerationRecord
from router_svc.tracing.attributes import OPERATIONS, Attributes

_ANSWERED = "Answered"
_FINE = frozenset({"Clean", "Cancelled"})


class GenAiMetrics:
    """A `Recorder`; its histograms are read and sent by the SDK's own thread."""

    def __init__(self, meter: Meter) -> None:
        self._tokens = meter.create_histogram(
            names.TOKEN_USAGE,
            names.TOKEN_UNIT,
            "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=names.TOKEN_BOUNDARIES,
        )
        self._duration = _seconds(meter, names.OPERATION_DURATION, "GenAI operation duration.")
        self._first = _seconds(meter, names.OPERATION_FIRST_CHUNK, "Time to receive the first chunk of a stream.")

    def write(self, record: GenerationRecord) -> None:
        """Measure one finished request."""
        for attempt in record.attempts:
            where = _where(record, attempt)
            error = _error(record, attempt)
            self._duration.record(attempt.seconds, {**where, names.ERROR_TYPE: error} if error else where)
            if attempt.usage.total_tokens:
                self._tokens.record(attempt.usage.prompt_tokens, {**where, names.TOKEN_TYPE: "input"})
                self._tokens.record(attempt.usage.completion_tokens, {**where, names.TOKEN_TYPE: "output"})
        if record.first_token is not None and record.attempts:
            self._first.record(record.first_token, _where(record, record.attempts[-1]))

    def turned_away(self, code: str) -> None:
        """No model server was asked."""


def _seconds(meter: Meter, name: str, text: str) -> Histogram:
    return meter.create_histogram(name, "s", text, explicit_bucket_boundaries_advisory=names.DURATION_BOUNDARIES)


def _where(record: GenerationRecord, attempt: AttemptRecord) -> Attributes:
    return {
        names.OPERATION: OPERATIONS[record.operation],
        names.PROVIDER: names.OPENAI,
        names.REQUEST_MODEL: attempt.model,
        names.BACKEND: attempt.backend,
    }


def _error(record: GenerationRecord, attempt: AttemptRecord) -> str:
    """What it ended with; empty when it ended well, or because the client left."""
    if attempt.outcome != _ANSWERED:
        return attempt.outcome
    return "" if record.outcome in _FINE else record.outcome
