"""Prometheus metrics of the data plane. Labels hold names from policies and fixed words, nothing that a client sent."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from pointsman.core.money import PICOS
from router_svc.record import GenerationRecord

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """Counts finished requests; a `Recorder`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        where = ("policy", "route", "backend")
        self._requests = Counter(
            "pointsman_requests", "Finished requests.", (*where, "operation", "outcome"), registry=self.registry
        )
        self._turned_away = Counter(
            "pointsman_turned_away",
            "Requests without a decision: malformed, or no valid key.",
            ("code",),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "pointsman_request_seconds",
            "From arrival to the end of the answer.",
            ("backend",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._first_token = Histogram(
            "pointsman_first_token_seconds",
            "From sending an attempt to its first content, for streams.",
            ("backend",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._attempts = Counter(
            "pointsman_attempts", "Tries of single candidates.", ("backend", "outcome"), registry=self.registry
        )
        self._tokens = Counter("pointsman_tokens", "Tokens used.", ("backend", "type"), registry=self.registry)
        self._cost = Counter(
            "pointsman_cost", "Cost, in the installation's currency.", ("policy", "backend"), registry=self.registry
        )
        self._downgrades = Counter(
            "pointsman_downgrades", "Requests downgraded by a spent quota.", ("policy", "quota"), registry=self.registry
        )
        self._classified = Counter(
            "pointsman_classifications", "How classification ended.", ("outcome",), registry=self.registry
        )
        self._snapshot = Gauge(
            "pointsman_snapshot_info", "The snapshot in force.", ("version",), registry=self.registry
        )
        self._reloads = Counter(
            "pointsman_snapshot_loads", "Snapshots offered, by outcome.", ("outcome",), registry=self.registry
        )

    def write(self, record: GenerationRecord) -> None:
        """Count one finished request."""
        policy, route, backend = record.policy or "", record.route or "", record.backend or ""
        self._requests.labels(policy, route, backend, record.operation, record.outcome).inc()
        self._classified.labels(record.classifier).inc()
        for attempt in record.attempts:
            self._attempts.labels(attempt.backend, attempt.outcome).inc()
            self._tokens.labels(attempt.backend, "prompt").inc(attempt.usage.prompt_tokens)
            self._tokens.labels(attempt.backend, "completion").inc(attempt.usage.completion_tokens)
            self._cost.labels(policy, attempt.backend).inc(attempt.cost / PICOS)
        if record.downgraded is not None:
            self._downgrades.labels(policy, record.downgraded).inc()
        if record.backend is None:
            return
        self._seconds.labels(backend).observe(record.seconds)
        if record.first_token is not None:
            self._first_token.labels(backend).observe(record.first_token)

    def turned_away(self, code: str) -> None:
        """Count a request without a decision."""
        self._turned_away.labels(code).inc()

    def snapshot(self, version: str, *, adopted: bool) -> None:
        """Count an offered snapshot; an adopted one is shown as the one in force."""
        self._reloads.labels("adopted" if adopted else "refused").inc()
        if adopted:
            self._snapshot.clear()
            self._snapshot.labels(version).set(1)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show a number that is read when the metrics are."""
        Gauge(name, text, registry=self.registry).set_function(read)

    def counts(self, name: str, text: str, label: str, read: Callable[[], Mapping[str, int]]) -> None:
        """Show counts that are kept elsewhere, by a label's value; read when the metrics are."""
        self.registry.register(_Counts(name, text, label, read))

    def render(self) -> bytes:
        """The text of /metrics."""
        return generate_latest(self.registry)


class _Counts(Collector):
    def __init__(self, name: str, text: str, label: str, read: Callable[[], Mapping[str, int]]) -> None:
        self._name, self._text, self._label, self._read = name, text, label, read

    def collect(self) -> Iterable[CounterMetricFamily]:
        """For the registry."""
        family = CounterMetricFamily(self._name, self._text, labels=(self._label,))
        for value, count in self._read().items():
            family.add_metric((value,), count)
        yield family
