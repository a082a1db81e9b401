"""The figures of `pointsman eval models` for programs. Keys are stable; figures that cannot be told are null."""

from typing import Any

import numpy as np
from pointsman_classifier.evaluation.many import ManySummary
from pointsman_classifier.evaluation.pairs import SHARES
from pointsman_classifier.evaluation.routes import Figure
from pointsman_classifier.evaluation.two import TwoSummary

from pointsman.cli.evaluate.models import ModelResult
from pointsman.cli.evaluate.provenance import Provenance


def as_json(result: ModelResult, provenance: Provenance) -> dict[str, Any]:
    """Shares are between 0 and 1, times in milliseconds, intervals pairs, costs in the unit of the input."""
    found: dict[str, Any] = {"n": result.n, "models": list(result.models), "intervals": {}}
    if result.two is not None:
        found |= _two(result, result.two, found["intervals"])
    if result.many is not None:
        found |= _many(result, result.many, found["intervals"])
    p50, p99 = np.quantile(result.seconds, [0.5, 0.99])
    times = {"p50_ms": 1_000 * float(p50), "p99_ms": 1_000 * float(p99)}
    sources = {"costs": result.priced or None, "expected_quality": result.abilities}
    return {**found, **times, **sources, **provenance.as_json()}


def _two(result: ModelResult, summary: TwoSummary, intervals: dict[str, Any]) -> dict[str, Any]:
    figures = {"apgr": summary.apgr, "cpt50": summary.cpt50, "cpt80": summary.cpt80}
    intervals |= _ends(figures)
    return {
        **{name: figure.value for name, figure in figures.items()},
        "strong": {"model": result.models[result.strong], "quality": summary.strong.value},
        "weak": {"model": result.models[1 - result.strong], "quality": summary.weak.value},
        "baselines": {
            name.replace(" ", "_"): {"apgr": each.apgr.value, "cpt50": each.cpt50, "cpt80": each.cpt80}
            for name, each in summary.baselines.items()
        },
        "by_category": {
            name: {"apgr": figure.value, "interval": list(figure.interval), "n": figure.n}
            for name, figure in summary.categories.items()
        },
        "curve": {"strong_share": SHARES.tolist(), "recovered": summary.curve.tolist()},
        "calibration_error": summary.calibration_error,
    }


def _many(result: ModelResult, summary: ManySummary, intervals: dict[str, Any]) -> dict[str, Any]:
    figures = summary.figures._asdict()
    intervals |= _ends(figures)
    best = summary.best_single
    return {
        **{name: figure.value for name, figure in figures.items()},
        "oracle_quality": summary.oracle,
        "aiq_singles": summary.aiq_singles,
        "aiq_oracle": summary.aiq_oracle,
        "best_single": {"model": result.models[best], "quality": float(summary.singles.quality[best])},
        "singles": {
            model: {"quality": float(quality), "cost": float(cost) if result.priced else None}
            for model, cost, quality in zip(result.models, *summary.singles, strict=True)
        },
        "calibration_error": summary.calibration_error,
    }


def _ends(figures: dict[str, Figure]) -> dict[str, list[float]]:
    return {name: list(figure.interval) for name, figure in figures.items()}
