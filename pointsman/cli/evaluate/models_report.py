"""The report of `pointsman eval models`: Markdown and plots."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pointsman_classifier.evaluation.frontier import hull
from pointsman_classifier.evaluation.many import ManySummary
from pointsman_classifier.evaluation.pairs import SHARES
from pointsman_classifier.evaluation.two import LEAST, TwoSummary

from pointsman.cli.evaluate import plots
from pointsman.cli.evaluate.models import ModelResult
from pointsman.cli.evaluate.provenance import Provenance
from pointsman.cli.evaluate.text import between, made_from, milliseconds, share, table

Row = tuple[str, str, str, str]


def write(folder: Path, result: ModelResult, provenance: Provenance) -> Path:
    """Write report.md and its plots; gives the path of report.md."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = list(_plots(folder, result))
    report = folder / "report.md"
    report.write_text("\n\n".join(_sections(result, provenance, shown)) + "\n", "utf-8")
    return report


def headline(result: ModelResult) -> list[Row]:
    """The figures that come first: name, value, interval, number."""
    rows: list[Row] = []
    if result.two is not None:
        named = (("APGR", result.two.apgr), ("CPT(50)", result.two.cpt50), ("CPT(80)", result.two.cpt80))
        rows += [(name, share(f.value), between(f.interval), str(f.n)) for name, f in named]
        lengths = result.two.baselines["prompt length"].apgr
        rows.append(("APGR by prompt length alone", share(lengths.value), between(lengths.interval), str(lengths.n)))
    if result.many is not None:
        for name, figure in result.many.figures._asdict().items():
            if result.priced or ("cost" not in name and name != "aiq"):
                words = _WORDS[name]
                rows.append((words, share(figure.value), between(figure.interval), str(figure.n)))
    return rows


_WORDS = {
    "quality": "quality, best expected model",
    "gain": "less the best single model's",
    "gap_to_oracle": "gap to the oracle",
    "cost_at_equal_quality": "cost at the best single model's quality, as a share of its cost",
    "quality_at_equal_cost": "quality at the best single model's cost, less its quality",
    "aiq": "AIQ",
}


def _sections(result: ModelResult, provenance: Provenance, shown: list[str]) -> Iterator[str]:
    yield "# Choosing between models"
    yield f"    {provenance.command}"
    yield table(("", "value", "95% interval", "n"), headline(result))
    if result.two is not None:
        yield from _of_two(result, result.two)
    if result.many is not None:
        yield from _of_many(result, result.many)
    yield "## Notes"
    yield (
        f"- Expected quality: {result.abilities}. Calibration error "
        f"{share((result.two or _either(result)).calibration_error)}.\n"
        f"- Costs: {result.priced or 'none given; every model costs the same here'}.\n"
        "- Intervals: bootstrap over cases, 1,000 draws, fixed seed.\n"
        f"- Classifier: p50 {milliseconds(float(np.median(result.seconds)))} a case, on one thread."
    )
    yield "## Plots"
    yield "\n".join(f"![{name.removesuffix('.svg')}]({name})" for name in shown)
    yield "## Made from"
    yield made_from("outcomes", provenance.data, provenance.sha256, provenance.classifier, provenance.versions)


def _either(result: ModelResult) -> ManySummary:
    assert result.many is not None, "there are two models, or more"
    return result.many


def _of_two(result: ModelResult, summary: TwoSummary) -> Iterator[str]:
    strong, weak = result.models[result.strong], result.models[1 - result.strong]
    yield (
        f"Strong: {strong}, mean quality {share(summary.strong.value)} ({between(summary.strong.interval)}). "
        f"Weak: {weak}, {share(summary.weak.value)} ({between(summary.weak.interval)})."
    )
    yield "## Beside other orders"
    rows = [("router", share(summary.apgr.value), share(summary.cpt50.value), share(summary.cpt80.value))]
    rows += [
        (name, share(each.apgr.value), share(each.cpt50), share(each.cpt80)) for name, each in summary.baselines.items()
    ]
    yield table(("order", "APGR", "CPT(50)", "CPT(80)"), rows)
    yield "The oracle knows both outcomes. Equal scores count as if sent in random order."
    if len(summary.categories) > 1:
        yield f"## By category (of at least {LEAST} cases)"
        yield table(
            ("category", "APGR", "95% interval", "n"),
            [(name, share(f.value), between(f.interval), f.n) for name, f in summary.categories.items()],
        )


def _of_many(result: ModelResult, summary: ManySummary) -> Iterator[str]:
    yield "## Single models"
    best = summary.best_single
    order = np.argsort(-summary.singles.quality, kind="stable")
    rows = [
        (
            result.models[i] + (" (best)" if i == best else ""),
            share(float(summary.singles.quality[i])),
            f"{summary.singles.cost[i]:.3g}" if result.priced else "-",
        )
        for i in order
    ]
    rows.append(("oracle", share(summary.oracle), "-"))
    yield table(("model", "quality", "mean cost"), rows)
    if result.priced:
        yield (
            f"AIQ: router {share(summary.figures.aiq.value)}, single models mixed at random "
            f"{share(summary.aiq_singles)}, oracle {share(summary.aiq_oracle)}."
        )


def _plots(folder: Path, result: ModelResult) -> Iterator[str]:
    if result.two is not None:
        curves = {"router": result.two.curve} | {name: each.curve for name, each in result.two.baselines.items()}
        plots.recovered(folder / "recovered.svg", SHARES, curves)
        yield "recovered.svg"
    if result.many is not None and result.priced:
        found = result.many
        mixed = hull(*found.singles)
        lines = {"router": found.router, "single models, mixed": mixed, "oracle": found.oracle_curve}
        singles = {
            model: (float(cost), float(quality))
            for model, cost, quality in zip(result.models, *found.singles, strict=True)
        }
        plots.frontiers(folder / "cost-quality.svg", lines, singles)
        yield "cost-quality.svg"
    bins = (result.two or _either(result)).reliability
    plots.reliability(folder / "reliability.svg", bins, "expected quality", "the answer was good")
    yield "reliability.svg"
