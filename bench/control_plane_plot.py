"""The curve of bench/control_plane.py as a picture: time, where it goes, and memory, against the number of policies."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot

GOAL_MS, GOAL_MB = 1000, 512


def plot(results: Sequence[dict[str, Any]], file: Path) -> None:
    """Write it; the same results give the same bytes."""
    mpl.rcParams.update(
        {"svg.hashsalt": "pointsman", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    )
    sizes = [each["policies"] for each in results]
    figure, (time, stages, memory) = pyplot.subplots(1, 3, figsize=(11, 3.4), layout="constrained")

    for name, style in (("p99", "o-"), ("p50", "o--")):
        time.plot(sizes, [each["policy_ms"][name] for each in results], style, color="C0", label=f"a policy, {name}")
        time.plot(sizes, [each["endpoint_ms"][name] for each in results], style, color="C1", label=f"endpoints, {name}")
    time.axhline(GOAL_MS, color="grey", linestyle=":", label="goal for p99")
    time.set_ylim(0)
    time.set(title="One change on all 10 routers", xlabel="policies", ylabel="ms")
    time.legend(frameon=False, fontsize=7)

    bottoms = [0.0] * len(results)
    for stage in results[0]["stages_ms"]:
        heights = [float(each["stages_ms"][stage]["p50"]) for each in results]
        stages.bar([str(size) for size in sizes], heights, bottom=bottoms, label=stage)
        bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
    stages.set(title="Where the time goes (medians)", xlabel="policies", ylabel="ms")
    stages.legend(frameon=False, fontsize=7, reverse=True, ncols=2)

    memory.plot(sizes, [each["operator_mb"] for each in results], "o-", color="C2", label="operator, peak")
    memory.axhline(GOAL_MB, color="grey", linestyle=":", label="goal")
    memory.set_ylim(0)
    memory.set(title="Resident memory", xlabel="policies", ylabel="MB")
    memory.legend(frameon=False, fontsize=7)

    figure.savefig(file, metadata={"Date": None})
