"""The figures of `pointsman eval routes` for programs. Keys are stable; figures that cannot be told are null."""

from typing import Any

from pointsman_classifier.evaluation.routes import Figure

from pointsman.cli.evaluate.provenance import Provenance
from pointsman.cli.evaluate.routes import RouteResult


def as_json(result: RouteResult, provenance: Provenance) -> dict[str, Any]:
    """Shares are between 0 and 1, times in milliseconds, intervals pairs."""
    summary = result.summary
    headline = {
        "accuracy": summary.accuracy,
        "accuracy_by_conversation": summary.by_conversation,
        "accuracy_by_span": summary.by_span,
        "accuracy_without_sessions": summary.alone,
        "accuracy_in_scope": summary.in_scope,
        "accuracy_out_of_scope": summary.out_of_scope,
        "top_route_accuracy": summary.top_route,
        "out_of_scope_auc": summary.out_of_scope_auc,
    }
    languages = dict(zip(result.plan.languages, summary.languages, strict=True))
    names = (*result.routes, "none")
    return {
        "n": summary.accuracy.n,
        "conversations": summary.by_conversation.n,
        "out_of_scope_n": summary.out_of_scope.n,
        **{name: figure.value for name, figure in headline.items()},
        "by_language": {name: figure.value for name, figure in sorted(languages.items())},
        "p50_ms": 1_000 * summary.p50,
        "p99_ms": 1_000 * summary.p99,
        "calibration_error": summary.calibration_error,
        "intervals": {
            **{name: _ends(figure) for name, figure in headline.items()},
            "by_language": {name: _ends(figure) for name, figure in sorted(languages.items())},
        },
        "by_route": {
            name: {"n": route.cases, "taken": route.taken, "recall": route.recall, "precision": route.precision}
            for name, route in zip(names, summary.routes, strict=True)
        },
        "confusion": [
            {"route": names[i], "chosen": names[j], "n": int(summary.confusion[i, j])}
            for i, j in zip(*summary.confusion.nonzero(), strict=True)
        ],
        "reasons": result.reasons,
        "floors": [
            dict(zip(("min_confidence", "accuracy", "in_scope", "out_of_scope"), row, strict=True))
            for row in summary.floors
        ],
        **provenance.as_json(),
    }


def _ends(figure: Figure) -> list[float]:
    return list(figure.interval)
