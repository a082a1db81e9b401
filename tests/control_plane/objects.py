"""A backend and a policy that tests of the API server begin with."""

from typing import Any

BACKEND: dict[str, Any] = {
    "apiVersion": "pointsman.dev/v1alpha1",
    "kind": "ModelBackend",
    "metadata": {"name": "small", "namespace": "ai"},
    "spec": {"model": "small", "endpoints": {"serviceRef": {"name": "small", "port": 80}}},
}


def policy(*backends: str) -> dict[str, Any]:
    """`chat`, which answers to `auto` by these backends."""
    return {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": "RoutingPolicy",
        "metadata": {"name": "chat", "namespace": "ai"},
        "spec": {"virtualModels": ["auto"], "default": {"backends": [{"name": name} for name in backends]}},
    }
