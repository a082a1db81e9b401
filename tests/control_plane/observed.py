"""Objects as the API server would give them, from the YAML of a test."""

from collections.abc import Iterable, Mapping
from typing import Any

from pointsman_operator.store import Store
from pointsman_operator.watched import WATCHED
from pointsman_operator.world import Builder, World

from pointsman.core import yamltext
from pointsman.core.compile import Installation


def bodies(text: str) -> list[dict[str, Any]]:
    """Every object of a YAML text that the operator would see, with what the API server adds."""
    found = []
    for number, document in enumerate(yamltext.read(text), start=1):
        for body in document.value.get("items", [document.value]) if document.value else ():
            if body.get("kind") in WATCHED:
                found.append(served(body, f"uid-{number}-{len(found)}"))
    return found


def served(body: Mapping[str, Any], uid: str, revision: int = 1, generation: int = 1) -> dict[str, Any]:
    metadata = {"namespace": "default", **body["metadata"], "uid": uid, "resourceVersion": str(revision)}
    return {**body, "metadata": {**metadata, "generation": generation}}


def store_of(objects: Iterable[Mapping[str, Any]]) -> Store:
    store = Store(lambda: None)
    for body in objects:
        store.put(body["kind"], body)
    return store


def world_of(objects: Iterable[Mapping[str, Any]], installation: Installation | None = None) -> World:
    return Builder(installation or Installation()).build(store_of(objects).objects())
