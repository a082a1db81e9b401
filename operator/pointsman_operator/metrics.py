"""Prometheus metrics of the control plane. Labels hold kinds and fixed words only."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pointsman_operator.store import Relisted

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One process's."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.builds = Histogram(
            "pointsman_operator_build_seconds",
            "From observed objects to a snapshot with endpoints.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.objects = Gauge("pointsman_operator_objects", "Observed objects.", ("kind",), registry=self.registry)
        self.refused = Gauge(
            "pointsman_operator_objects_refused", "Objects that are not accepted.", ("kind",), registry=self.registry
        )
        self.leading = Gauge("pointsman_operator_leading", "1 while this replica leads.", registry=self.registry)
        self.status_writes = Counter(
            "pointsman_operator_status_writes", "Statuses by what became of them.", ("outcome",), registry=self.registry
        )
        self.resyncs = Counter(
            "pointsman_operator_resyncs", "Own LISTs of everything.", ("outcome",), registry=self.registry
        )
        self._corrected = Counter(
            "pointsman_operator_corrections",
            "Objects that an own LIST corrected: the watch had missed them.",
            ("kind", "correction"),
            registry=self.registry,
        )
        self.held = Gauge(
            "pointsman_operator_endpoints_held",
            "Endpoints that a LIST lacked and that were kept: more than half at once.",
            registry=self.registry,
        )

    def relisted(self, kind: str, relisted: Relisted) -> None:
        """A LIST of one kind was taken up."""
        self._corrected.labels(kind, "added").inc(relisted.added)
        self._corrected.labels(kind, "removed").inc(relisted.removed)
        if kind == "EndpointSlice":
            self.held.set(relisted.held)
