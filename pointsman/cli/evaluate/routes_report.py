"""The report of `pointsman eval routes`: Markdown, plots, and the numbers of the lines that went wrong."""

import csv
from collections.abc import Iterator
from pathlib import Path

from pointsman_classifier.evaluation.routes import Figure, RouteFigure

from pointsman.cli.evaluate import plots
from pointsman.cli.evaluate.provenance import Provenance
from pointsman.cli.evaluate.routes import RouteResult
from pointsman.cli.evaluate.text import between, made_from, milliseconds, share, table

_MOST = 30
"""Rows of a table, and routes of a full confusion matrix."""


def write(folder: Path, result: RouteResult, provenance: Provenance, notes: tuple[str, ...]) -> Path:
    """Write report.md, its plots and mistakes.csv; gives the path of report.md."""
    folder.mkdir(parents=True, exist_ok=True)
    _mistakes(folder / "mistakes.csv", result)
    plots.reliability(folder / "reliability.svg", result.summary.reliability, "score of the best route", "it was right")
    plots.confusion(folder / "confusion.svg", result.summary.confusion, (*result.routes, "none"), _MOST)
    shown = ["reliability.svg", "confusion.svg"]
    if len(result.plan.languages) > 1:
        bars = dict(zip(result.plan.languages, result.summary.languages, strict=True))
        plots.bars(folder / "languages.svg", bars, "accuracy")
        shown.append("languages.svg")
    report = folder / "report.md"
    report.write_text("\n\n".join(_sections(result, provenance, notes, shown)) + "\n", "utf-8")
    return report


def headline(result: RouteResult) -> list[tuple[str, str, str, str]]:
    """The figures that come first: name, value, interval, number."""
    summary = result.summary
    figures: list[tuple[str, Figure]] = [("accuracy", summary.accuracy)]
    if any(result.plan.named):
        figures += [
            ("conversations right throughout", summary.by_conversation),
            ("spans of one route right throughout", summary.by_span),
            ("accuracy without sessions", summary.alone),
        ]
    if summary.out_of_scope.n:
        figures += [("accuracy where a route fits", summary.in_scope)]
    figures += [("right route scores most", summary.top_route)]
    if summary.out_of_scope.n:
        figures += [
            ("accuracy where none fits", summary.out_of_scope),
            ("out-of-scope AUC", summary.out_of_scope_auc),
        ]
    return [(name, share(f.value), between(f.interval), str(f.n)) for name, f in figures]


def _sections(result: RouteResult, provenance: Provenance, notes: tuple[str, ...], shown: list[str]) -> Iterator[str]:
    summary = result.summary
    yield "# Routing quality"
    yield f"    {provenance.command}"
    for note in notes:
        yield f"Note: {note}."
    yield table(("", "value", "95% interval", "n"), headline(result))
    yield (
        f"Classifier: p50 {milliseconds(summary.p50)}, p99 {milliseconds(summary.p99)} a case, on one thread. "
        f"Expected calibration error of the best route's score: {share(summary.calibration_error)}."
    )
    yield "Intervals: bootstrap over conversations, 1,000 draws, fixed seed; by language and in the plots, Wilson's."
    if result.plan.languages:
        yield "## By language"
        rows = sorted(zip(result.plan.languages, summary.languages, strict=True), key=lambda row: row[1].value)
        yield table(
            ("language", "accuracy", "95% interval", "n"),
            [(name, share(f.value), between(f.interval), f.n) for name, f in rows],
        )
    yield "## By route"
    yield _by_route(result)
    yield "## Confused most often"
    yield _confused(result)
    yield "## What another `classifier.minConfidencePercent` would give"
    yield "Each line alone, by scores only: without sessions and without match rules."
    yield table(
        ("percent", "accuracy", "where a route fits", "where none fits"),
        [(f"{100 * row[0]:.0f}", *map(share, row[1:])) for row in summary.floors],
    )
    yield "## What decided"
    reasons = sorted(result.reasons.items(), key=lambda item: -item[1])
    yield table(("reason", "cases"), [(name or "-", n) for name, n in reasons])
    yield "## Plots"
    yield "\n".join(f"![{name.removesuffix('.svg')}]({name})" for name in shown)
    yield "`mistakes.csv` lists the lines that went elsewhere, by number."
    yield "## Made from"
    yield made_from("cases", provenance.data, provenance.sha256, provenance.classifier, provenance.versions)


def _by_route(result: RouteResult) -> str:
    named = list(zip((*result.routes, "none"), result.summary.routes, strict=True))
    seen = [(name, route) for name, route in named if route.cases or route.taken]
    seen.sort(key=_worst_first)
    left = f"\n\nThe {_MOST} worst of {len(seen)}; all are in --json." if len(seen) > _MOST else ""
    rows = [
        (name, route.cases, share(route.recall), route.taken, share(route.precision)) for name, route in seen[:_MOST]
    ]
    return table(("route", "cases", "recall", "taken", "precision"), rows) + left


def _worst_first(row: tuple[str, RouteFigure]) -> tuple[float, int]:
    _, route = row
    return (route.recall if route.cases else 2.0, -route.cases)


def _confused(result: RouteResult) -> str:
    counts, names = result.summary.confusion, (*result.routes, "none")
    wrong = [(int(counts[i, j]), names[i], names[j]) for i, j in zip(*counts.nonzero(), strict=True) if i != j]
    wrong.sort(key=lambda row: -row[0])
    if not wrong:
        return "Nothing."
    return table(("belongs to", "went to", "cases"), [(a, b, n) for n, a, b in wrong[:20]])


def _mistakes(path: Path, result: RouteResult) -> None:
    names = (*result.routes, "none")
    found = result.routed
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "route", "chosen", "best", "score"))
        for i in sorted((found.chosen != found.truth).nonzero()[0], key=lambda i: result.plan.places[i].number):
            best, score = names[found.best[i]], f"{found.score[i]:.4f}"
            line = result.plan.places[i].number
            writer.writerow((line, names[found.truth[i]], names[found.chosen[i]], best, score))
