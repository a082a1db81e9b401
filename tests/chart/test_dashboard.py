"""The Grafana dashboard shows metrics that exist, by labels that they have."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pointsman_operator.metrics import Metrics as OperatorMetrics
from prometheus_client import CollectorRegistry

from tests.data_plane.test_pipeline import two
from tests.support.router import running
from tools import generate_dashboard

_FROM_KUBERNETES = {"namespace"}
"""Labels that Prometheus adds when it finds a pod."""


def expressions(dashboard: dict[str, Any]) -> Iterator[str]:
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


def exposed(registry: CollectorRegistry) -> dict[str, set[str]]:
    """Label names by each name under which samples are exposed."""
    found: dict[str, set[str]] = {}
    for name, collector in registry._names_to_collectors.items():
        labels = set(getattr(collector, "_labelnames", ()))
        found[name] = labels | {"le"} if name.endswith("_bucket") else labels
    return found


async def test_every_metric_and_label_of_the_dashboard_is_exposed(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        known = exposed(router.router.metrics.registry) | exposed(OperatorMetrics().registry)
    dashboard = json.loads(generate_dashboard.FILE.read_text())
    shown = set()
    for expression in expressions(dashboard):
        names = re.findall(r"\bpointsman_\w+", expression)
        assert names, expression
        for name in names:
            assert name in known, f"{name} is exposed by nobody: {expression}"
            shown.add(name)
        labels = set(re.findall(r"[{,]\s*(\w+)\s*(?:=~|!~|!=|=)", expression))
        labels |= {
            each.strip()
            for group in re.findall(r"by \(([^)]*)\)", expression)
            for each in group.split(",")
            if each.strip()
        }
        for name in names:
            assert labels - _FROM_KUBERNETES <= known[name], f"{name} lacks a label: {expression}"
    assert len(shown) >= 20


def test_the_file_is_what_the_generator_writes() -> None:
    assert json.loads(generate_dashboard.FILE.read_text()) == generate_dashboard.dashboard()


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in generate_dashboard.dashboard()["panels"]:
        where = panel["gridPos"]
        cells = {(where["x"] + x, where["y"] + y) for x in range(where["w"]) for y in range(where["h"])}
        assert not cells & taken, panel["title"]
        assert where["x"] + where["w"] <= generate_dashboard.ACROSS
        taken |= cells
