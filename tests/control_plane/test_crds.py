"""The CRDs: what is checked in is what the types say, structural, documented, and true to the compiler's rules."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pointsman.core.addresses import refuse
from pointsman.core.crds import definitions
from pointsman.core.crds.lists import LISTS
from pointsman.core.crds.rules import BY_LISTS, ONLY_COMPILER, RULES
from pointsman.core.resources.status import ConditionType
from pointsman.core.validate import BACKEND_RULES, POLICY_RULES

PARTS = ("spec", "status")
CRDS = Path(__file__).parents[2] / "crds"
BY_KIND = {definition["spec"]["names"]["kind"]: definition for definition in definitions()}


def schema(kind: str, part: str) -> dict[str, Any]:
    version = BY_KIND[kind]["spec"]["versions"][0]
    return version["schema"]["openAPIV3Schema"]["properties"][part]


def nodes(node: dict[str, Any], at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield at, node
    for name, inner in node.get("properties", {}).items():
        yield from nodes(inner, f"{at}.{name}")
    for key in ("items", "additionalProperties"):
        if key in node:
            yield from nodes(node[key], f"{at}[]")


NODES = {f"{kind} {at}": node for kind in BY_KIND for part in PARTS for at, node in nodes(schema(kind, part), part)}


def test_the_files_are_what_the_types_say() -> None:
    checked_in = [yaml.safe_load(file.read_text()) for file in sorted(CRDS.glob("*.yaml"))]
    assert checked_in == list(definitions()), "run `make generate`"


def test_every_node_is_structural() -> None:
    for at, node in NODES.items():
        assert isinstance(node["type"], str), at
        assert not {"$ref", "anyOf", "allOf", "oneOf", "uniqueItems", "title", "const", "nullable"} & set(node), at
        assert node.get("additionalProperties") is not False, at
        assert node.get("default", "") is not None, at


def test_every_field_is_described() -> None:
    assert [at for at, node in NODES.items() if not node.get("description") and not at.endswith("[]")] == []


def test_every_list_and_text_of_a_spec_is_bounded() -> None:
    """Else the API server could not tell what a rule costs, and objects could outgrow etcd."""
    spec = {at: node for at, node in NODES.items() if " spec" in at}
    assert [at for at, node in spec.items() if node["type"] == "array" and "maxItems" not in node] == []
    free = [at for at, node in spec.items() if node["type"] == "string" and not {"maxLength", "enum"} & set(node)]
    assert free == [
        "ModelBackend spec.replaces[].notBefore",
        "RoutingPolicy spec.routes[].match.languages[]",
    ]  # patterns


def test_every_list_says_how_it_merges_and_keys_are_always_there() -> None:
    for at, node in NODES.items():
        if node["type"] != "array":
            continue
        assert node["x-kubernetes-list-type"] in ("atomic", "set", "map"), at
        for key in node.get("x-kubernetes-list-map-keys", ()):
            inner = node["items"]
            assert key in inner.get("required", ()) or "default" in inner["properties"][key], at


def test_the_tables_speak_of_fields_that_exist() -> None:
    """A renamed type or field must not silently lose its rules."""
    used = sum(len(node.get("x-kubernetes-validations", ())) > 0 for node in NODES.values())
    rules = [rule["rule"] for node in NODES.values() for rule in node.get("x-kubernetes-validations", ())]
    assert used > len(RULES) / 2
    assert {rule.expression for of_type in RULES.values() for rule in of_type} == set(rules)
    merging = [node for node in NODES.values() if node.get("x-kubernetes-list-type") in ("set", "map")]
    assert len(merging) == len(LISTS)
    for at, node in NODES.items():
        for rule in node.get("x-kubernetes-validations", ()):
            assert rule.get("fieldPath", ".").removeprefix(".").split(".")[0] in {"", *node["properties"]}, at


def test_every_rule_of_the_compiler_has_a_mirror_or_a_reason() -> None:
    mirrored = {rule.mirrors for of_type in RULES.values() for rule in of_type}
    names = [rule.__name__ for rule in (*BACKEND_RULES, *POLICY_RULES, refuse)]
    assert sorted(names) == sorted({*mirrored, *BY_LISTS, *ONLY_COMPILER})
    assert not mirrored & BY_LISTS & set(ONLY_COMPILER)


@pytest.mark.parametrize("kind", BY_KIND)
def test_all_conditions_start_unknown(kind: str) -> None:
    waiting = schema(kind, "status")["default"]["conditions"]
    assert [condition["type"] for condition in waiting] == [kind.value for kind in ConditionType]
    assert {condition["status"] for condition in waiting} == {"Unknown"}
    assert BY_KIND[kind]["spec"]["versions"][0]["subresources"] == {"status": {}}


def test_names_for_people() -> None:
    names = {kind: definition["spec"]["names"] for kind, definition in BY_KIND.items()}
    assert {kind: (each["plural"], each["shortNames"], each["categories"]) for kind, each in names.items()} == {
        "ModelBackend": ("modelbackends", ["mbe"], ["pointsman"]),
        "RoutingPolicy": ("routingpolicies", ["rpol"], ["pointsman"]),
    }
