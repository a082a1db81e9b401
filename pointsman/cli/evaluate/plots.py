"""Plots as SVG files, drawn without a display. Equal data give equal files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pointsman_classifier.evaluation.calibration import Bin
from pointsman_classifier.evaluation.frontier import Frontier
from pointsman_classifier.evaluation.intervals import Array
from pointsman_classifier.evaluation.routes import Figure

from pointsman.core.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas


def check_available() -> None:
    """Raises ConfigError, with the fix, where nothing can be drawn: better told before the work than after it."""
    try:
        import matplotlib  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise ConfigError("--report needs matplotlib; install the extra: pip install 'pointsman[eval]'") from error


def _canvas(width: float = 6, height: float = 5) -> "tuple[Canvas, Axes]":
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    mpl.rcParams["svg.hashsalt"] = "pointsman"  # element ids are random otherwise
    mpl.rcParams["svg.fonttype"] = "none"  # text stays text: small files that search finds
    canvas = Canvas(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(canvas)
    return canvas, canvas.add_subplot()


def _save(canvas: "Canvas", path: Path) -> None:
    canvas.savefig(path, metadata={"Date": None})


def reliability(path: Path, bins: Sequence[Bin], said: str, happened: str) -> None:
    """What was said against what happened, with the number of cases of each bin."""
    canvas, axes = _canvas()
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
    x, y = [each.said for each in bins], [each.happened for each in bins]
    low = [max(0.0, each.happened - each.interval.low) for each in bins]
    high = [max(0.0, each.interval.high - each.happened) for each in bins]
    axes.errorbar(x, y, yerr=[low, high], fmt="o-", capsize=2)
    for each in bins:
        axes.annotate(str(each.n), (each.said, each.happened), (4, -10), textcoords="offset points", fontsize=7)
    axes.set(xlabel=said, ylabel=f"share of cases where {happened}", xlim=(0, 1), ylim=(0, 1))
    _save(canvas, path)


def confusion(path: Path, counts: Array, names: Sequence[str], most: int) -> None:
    """Rows are the right routes, columns what was chosen. Of more than `most` routes, those that are confused most
    are shown, and the others are one row and column."""
    counts, names = _fewer(counts, list(names), most)
    size = 3 + 0.25 * len(names)
    canvas, axes = _canvas(size + 1, size)
    rows = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(rows, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set(xlabel="chosen", ylabel="belongs to")
    canvas.colorbar(image, label="share of the row", shrink=0.7)
    if len(names) <= 12:
        for i, j in zip(*counts.nonzero(), strict=True):
            colour = "white" if rows[i, j] > 0.5 else "black"
            axes.text(j, i, str(int(counts[i, j])), ha="center", va="center", fontsize=7, color=colour)
    _save(canvas, path)


def _fewer(counts: Array, names: list[str], most: int) -> tuple[Array, list[str]]:
    if len(names) <= most + 1:
        return counts, names
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
    none = len(names) - 1
    shown = sorted([*np.argsort(-wrong[:none], kind="stable")[: most - 1].tolist(), none])
    rest = [i for i in range(len(names)) if i not in shown]
    groups = [[i] for i in shown] + [rest]
    merged = np.array([[counts[np.ix_(a, b)].sum() for b in groups] for a in groups])
    return merged, [*(names[i] for i in shown), f"{len(rest)} others"]


def bars(path: Path, figures: Mapping[str, Figure], label: str) -> None:
    """A bar for each name, lowest first, with its interval."""
    ordered = sorted(figures.items(), key=lambda item: item[1].value)
    canvas, axes = _canvas(3 + 0.35 * len(ordered), 4)
    values = [figure.value for _, figure in ordered]
    low = [max(0.0, f.value - f.interval.low) for _, f in ordered]
    high = [max(0.0, f.interval.high - f.value) for _, f in ordered]
    axes.bar([name for name, _ in ordered], values, yerr=[low, high], capsize=2, color="steelblue")
    axes.set(ylabel=label, ylim=(0, 1))
    _save(canvas, path)


def recovered(path: Path, shares: Array, curves: Mapping[str, Array]) -> None:
    """Share of the quality gap over the share of strong calls, for each way to choose."""
    canvas, axes = _canvas()
    for name, curve in curves.items():
        axes.plot(100 * shares, 100 * curve, marker="." if name == "router" else None, label=name, **_style(name))
    axes.set(xlabel="calls of the strong model, %", ylabel="quality gap recovered, %")
    axes.legend()
    _save(canvas, path)


def frontiers(path: Path, curves: Mapping[str, Frontier], singles: Mapping[str, tuple[float, float]]) -> None:
    """Quality over cost, and each single model."""
    canvas, axes = _canvas(7, 5)
    for name, found in curves.items():
        axes.plot(found.cost, found.quality, label=name, marker="." if name == "router" else None, **_style(name))
    middle = (min(cost for cost, _ in singles.values()) + max(cost for cost, _ in singles.values())) / 2
    for name, (cost, quality) in singles.items():
        axes.plot([cost], [quality], "x", color="black")
        side = {"xytext": (4, 4), "ha": "left"} if cost <= middle else {"xytext": (-4, 4), "ha": "right"}
        axes.annotate(name, (cost, quality), textcoords="offset points", fontsize=7, **side)
    axes.set(xlabel="mean cost of an answer", ylabel="mean quality")
    axes.legend()
    _save(canvas, path)


def _style(name: str) -> dict[str, Any]:
    if name == "router":
        return {"linewidth": 2.5, "color": "C0"}
    line, colour = {"random": (":", "grey"), "oracle": ("--", "C2")}.get(name, ("-.", "C1"))
    return {"linewidth": 1.2, "linestyle": line, "color": colour}
