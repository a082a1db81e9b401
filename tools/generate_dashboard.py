"""Writes charts/pointsman/dashboards/pointsman.json: a Grafana dashboard over the Prometheus metrics of both planes."""

import json
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).parents[1] / "charts" / "pointsman" / "dashboards" / "pointsman.json"
SOURCE = {"type": "prometheus", "uid": "${source}"}
WIDTH, HEIGHT, ACROSS = 8, 8, 24


class Panel(NamedTuple):
    """One graph; `queries` are pairs of an expression and a legend."""

    title: str
    text: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "timeseries"


def rate(metric: str, *by: str) -> str:
    """Per second, in the namespace that is chosen."""
    return f'sum by ({", ".join(by)}) (rate({metric}{{namespace=~"$namespace"}}[$__rate_interval]))'


def percentile(share: float, metric: str) -> str:
    """Of a histogram, by backend."""
    return f"histogram_quantile({share}, {rate(metric + '_bucket', 'le', 'backend')})"


def now(metric: str, how: str = "sum", *by: str) -> str:
    """The value now."""
    return f'{how} by ({", ".join(by)}) ({metric}{{namespace=~"$namespace"}})'


ROWS: dict[str, tuple[Panel, ...]] = {
    "Requests": (
        Panel(
            "Requests", "By how they ended.", "reqps", ((rate("pointsman_requests_total", "outcome"), "{{outcome}}"),)
        ),
        Panel(
            "Share that failed",
            "Of finished requests, those that ended neither well nor by the client's leaving.",
            "percentunit",
            (
                (
                    f'1 - sum(rate(pointsman_requests_total{{namespace=~"$namespace", outcome=~"Clean|Cancelled"}}'
                    f"[$__rate_interval])) / {rate('pointsman_requests_total')}",
                    "failed",
                ),
            ),
        ),
        Panel(
            "Turned away",
            "Without a decision: malformed, no key, or the router is full.",
            "reqps",
            ((rate("pointsman_turned_away_total", "code"), "{{code}}"),),
        ),
        Panel(
            "Time of a request, p95",
            "From arrival to the end of the answer.",
            "s",
            ((percentile(0.95, "pointsman_request_seconds"), "{{backend}}"),),
        ),
        Panel(
            "Time to first token, p95",
            "Of streams, from sending the attempt.",
            "s",
            ((percentile(0.95, "pointsman_first_token_seconds"), "{{backend}}"),),
        ),
        Panel(
            "Under way",
            "Requests being answered, and requests that wait for a place.",
            "short",
            ((now("pointsman_in_flight", "sum"), "answered"), (now("pointsman_queued", "sum"), "waiting")),
        ),
    ),
    "Decisions": (
        Panel(
            "By route", "", "reqps", ((rate("pointsman_requests_total", "policy", "route"), "{{policy}} {{route}}"),)
        ),
        Panel("By backend", "Who answered.", "reqps", ((rate("pointsman_requests_total", "backend"), "{{backend}}"),)),
        Panel(
            "Attempts that failed",
            "Each sent the request on to the next candidate, or was the last.",
            "reqps",
            (
                (
                    "sum by (backend, outcome) (rate(pointsman_attempts_total"
                    '{namespace=~"$namespace", outcome!="Answered"}[$__rate_interval]))',
                    "{{backend}} {{outcome}}",
                ),
            ),
        ),
        Panel(
            "Classifications",
            "Late and failed ones use the policy's onFailure.",
            "reqps",
            ((rate("pointsman_classifications_total", "outcome"), "{{outcome}}"),),
        ),
        Panel(
            "Downgrades",
            "By the quota that was spent.",
            "reqps",
            ((rate("pointsman_downgrades_total", "policy", "quota"), "{{policy}} {{quota}}"),),
        ),
        Panel(
            "Snapshots in force",
            "More than one for longer than a moment: a router does not take the newest.",
            "short",
            ((now("pointsman_snapshot_info", "sum", "version"), "{{version}}"),),
        ),
    ),
    "Use": (
        Panel("Tokens", "", "short", ((rate("pointsman_tokens_total", "backend", "type"), "{{backend}} {{type}}"),)),
        Panel(
            "Cost an hour",
            "In the installation's currency.",
            "short",
            (("3600 * " + rate("pointsman_cost_total", "policy", "backend"), "{{policy}} {{backend}}"),),
        ),
        Panel(
            "Spans lost",
            "That the collector did not take. Requests do not depend on it.",
            "short",
            ((now("pointsman_spans_lost", "sum"), "lost since the start"),),
        ),
    ),
    "Control plane": (
        Panel(
            "Objects",
            "Observed, and those that are not accepted.",
            "short",
            (
                (now("pointsman_operator_objects", "max", "kind"), "{{kind}}"),
                (now("pointsman_operator_objects_refused", "max", "kind"), "{{kind}} refused"),
            ),
        ),
        Panel(
            "Time of a build, p95",
            "From observed objects to a snapshot with endpoints.",
            "s",
            (
                (
                    f"histogram_quantile(0.95, {rate('pointsman_operator_build_seconds_bucket', 'le')})",
                    "build",
                ),
            ),
        ),
        Panel(
            "Leaders",
            "Exactly one.",
            "short",
            ((now("pointsman_operator_leading", "sum"), "leading"),),
            "stat",
        ),
        Panel(
            "Status writes",
            "Failed ones are tried again.",
            "ops",
            ((rate("pointsman_operator_status_writes_total", "outcome"), "{{outcome}}"),),
        ),
        Panel(
            "Corrections",
            "What a watch had missed and a LIST put right.",
            "ops",
            ((rate("pointsman_operator_corrections_total", "kind", "correction"), "{{kind}} {{correction}}"),),
        ),
        Panel(
            "Endpoints held",
            "A LIST lacked more than half of them at once: kept until the next agrees.",
            "short",
            ((now("pointsman_operator_endpoints_held", "sum"), "held"),),
        ),
    ),
}


def dashboard() -> dict[str, Any]:
    """The whole, as Grafana imports it."""
    panels: list[dict[str, Any]] = []
    top = 0
    for title, row in ROWS.items():
        where = {"h": 1, "w": ACROSS, "x": 0, "y": top}
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "gridPos": where, "panels": []})
        top += 1
        for number, panel in enumerate(row):
            x, y = number * WIDTH % ACROSS, top + number * WIDTH // ACROSS * HEIGHT
            panels.append(_panel(len(panels) + 1, panel, {"h": HEIGHT, "w": WIDTH, "x": x, "y": y}))
        top += -(-len(row) * WIDTH // ACROSS) * HEIGHT
    return {
        "uid": "pointsman",
        "title": "Pointsman",
        "tags": ["pointsman", "llm"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_source(), _namespace()]},
        "panels": panels,
    }


def _panel(number: int, panel: Panel, where: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "gridPos": where,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
            for index, (expression, legend) in enumerate(panel.queries)
        ],
    }


def _source() -> dict[str, Any]:
    return {"name": "source", "type": "datasource", "query": "prometheus", "label": "Data source"}


def _namespace() -> dict[str, Any]:
    query = "label_values(pointsman_in_flight, namespace)"
    return {
        "name": "namespace",
        "type": "query",
        "label": "Namespace",
        "datasource": SOURCE,
        "query": query,
        "definition": query,
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
        "refresh": 2,
    }


def main() -> None:
    """Write the file."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps(dashboard(), indent=2) + "\n")


if __name__ == "__main__":
    main()
