"""Kubernetes Events: one for each object whose state changed, saying what matters most; `kubectl describe` shows it."""

from collections.abc import Mapping
from typing import Any

from pointsman_operator.store import Observed

REPORTER = "pointsman.dev/operator"
_NOTE = 1024
_TELLING = ("Accepted", "ResolvedRefs", "Programmed", "Ready")


def event_for(
    observed: Observed, before: Mapping[str, Any], after: Mapping[str, Any], instance: str, now: str
) -> Mapping[str, Any] | None:
    """The Event of a rewritten status, or None when no condition turned; `now` as RFC 3339 with microseconds."""
    old, new = _by_type(before), _by_type(after)
    turned = [kind for kind in _TELLING if _state(old.get(kind)) != _state(new.get(kind))]
    telling = next((new[kind] for kind in _TELLING if new[kind]["status"] == "False"), new["Ready"])
    if not turned or telling["status"] == "Unknown":
        return None
    kind, namespace, name = observed.key
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"generateName": f"{name[:200].rstrip('.-')}-", "namespace": namespace},
        "eventTime": now,
        "reportingController": REPORTER,
        "reportingInstance": instance[:128],
        "action": "Reconcile",
        "reason": telling["reason"],
        "type": "Normal" if telling["status"] == "True" else "Warning",
        "note": (telling["message"] or f"{telling['type']} holds")[:_NOTE],
        "regarding": {
            "apiVersion": observed.body["apiVersion"],
            "kind": kind,
            "namespace": namespace,
            "name": name,
            "uid": observed.uid,
        },
    }


def _by_type(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {each["type"]: each for each in status.get("conditions") or ()}


def _state(condition: Mapping[str, Any] | None) -> tuple[str, str]:
    """Status and reason; what was never said counts as Unknown."""
    if condition is None or condition["status"] == "Unknown":
        return ("Unknown", "")
    return condition["status"], condition["reason"]
