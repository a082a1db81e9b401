"""Rules of durations: they last, and those that contain each other do."""

from collections.abc import Iterable, Iterator

from pointsman.core.durations import milliseconds
from pointsman.core.problems import Finding
from pointsman.core.resources.backend import ModelBackendSpec
from pointsman.core.resources.policy import RoutingPolicySpec

Findings = Iterator[Finding]


def _last(durations: Iterable[tuple[str, str | None]]) -> Findings:
    for field, duration in durations:
        if duration is not None and milliseconds(duration) == 0:
            yield Finding(field, "lasts no time at all", "Write a duration above zero, such as 1s")


def backend_durations_last(spec: ModelBackendSpec) -> Findings:
    """No duration is zero."""
    yield from _last(
        [
            ("spec.health.interval", spec.health.interval if spec.health else None),
            ("spec.outlierDetection.baseEjection", spec.outlier_detection.base_ejection),
        ]
    )


def policy_durations_last(spec: RoutingPolicySpec) -> Findings:
    """No duration is zero."""
    timeouts = spec.fallback.timeouts
    yield from _last(
        [
            ("spec.objective.constraints.maxFirstToken", spec.objective.constraints.max_first_token),
            *(
                (f"spec.modes[{index}].objective.constraints.maxFirstToken", mode.objective.constraints.max_first_token)
                for index, mode in enumerate(spec.modes)
                if mode.objective is not None
            ),
            ("spec.session.idle", spec.session.idle),
            *((f"spec.quotas[{index}].window.length", quota.window.length) for index, quota in enumerate(spec.quotas)),
            ("spec.fallback.timeouts.connect", timeouts.connect),
            ("spec.fallback.timeouts.firstToken", timeouts.first_token),
            ("spec.fallback.timeouts.total", timeouts.total),
            ("spec.classifier.deadline", spec.classifier.deadline),
        ]
    )


def timeouts_nest(spec: RoutingPolicySpec) -> Findings:
    """Connecting is part of waiting for the first token, and that of the whole."""
    timeouts = spec.fallback.timeouts
    connect, first, total = map(milliseconds, (timeouts.connect, timeouts.first_token, timeouts.total))
    if connect > first:
        problem = f"is above firstToken ({timeouts.first_token}), which includes it"
        yield Finding("spec.fallback.timeouts.connect", problem, "Lower it, or raise firstToken")
    if first > total:
        problem = f"is above total ({timeouts.total}), which includes it"
        yield Finding("spec.fallback.timeouts.firstToken", problem, "Lower it, or raise total")
