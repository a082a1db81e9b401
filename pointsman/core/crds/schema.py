"""Types → structural schemas, as the API server wants them: no $ref, no anyOf, no null; optional means not required.

pydantic gives the JSON schema; here it is inlined, its defaults are made to nest, and what JSON schema cannot say (how
lists merge, what several fields say together) is added from the tables beside this module.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from pointsman.core.crds.lists import LISTS
from pointsman.core.crds.rules import RULES

Schema = dict[str, Any]

_BOUNDS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_PLAIN = frozenset(("type", "format", "enum", "pattern", *_BOUNDS))
"""Keywords that mean the same in both worlds."""


def structural(model: type[BaseModel]) -> Schema:
    """The structural schema of a type, documented."""
    schema = model.model_json_schema(by_alias=True, ref_template="{model}")
    return _Inliner(schema.pop("$defs", {})).node(schema | {"title": model.__name__})


class _Inliner:
    """Walks one JSON schema; `title` names the type that a mapping is of, and so its rows in the tables."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions

    def node(self, given: Schema) -> Schema:
        """One field's schema."""
        schema = self._resolved(given)
        node = {key: value for key, value in schema.items() if key in _PLAIN}
        description = _description(schema)
        if "const" in schema:
            node["enum"] = [schema["const"]]
        if "items" in schema:
            node["items"] = self.node(schema["items"])
            description = description or node["items"].get("description", "")
        if "properties" in schema:
            node |= self._object(schema)
        elif isinstance(schema.get("additionalProperties"), Mapping):
            node["additionalProperties"] = self.node(schema["additionalProperties"])
        default = _default(schema, node)
        head = {"type": node["type"]} | ({"description": description} if description else {})
        return head | ({} if default is None else {"default": default}) | node

    def _object(self, schema: Schema) -> Schema:
        """The parts of a mapping with known fields."""
        owner = schema["title"]
        properties = {name: _merging(owner, name, self.node(each)) for name, each in schema["properties"].items()}
        rules = [rule.as_schema() for rule in RULES.get(owner, ())]
        return {
            "properties": properties,
            **({"required": schema["required"]} if "required" in schema else {}),
            **({"x-kubernetes-validations": rules} if rules else {}),
        }

    def _resolved(self, schema: Schema) -> Schema:
        """The schema with what it refers to in its place; its own words win."""
        if "$ref" in schema:
            own = {key: value for key, value in schema.items() if key != "$ref"}
            return self._resolved(self._definitions[schema["$ref"]]) | own
        if "anyOf" in schema:
            own = {key: value for key, value in schema.items() if key not in ("anyOf", "title")}
            members = [self._resolved(each) for each in schema["anyOf"] if each.get("type") != "null"]
            return _union(members) | own
        return schema


def _merging(owner: str, field: str, node: Schema) -> Schema:
    """A list with how it merges; anything else as it is."""
    if "items" not in node:
        return node
    merging = LISTS.get((owner, field))
    return {**node, **merging} if merging else _bare(node) | {"x-kubernetes-list-type": "atomic"}


def _bare(node: Schema) -> Schema:
    """A list whose entries get no defaults: in an atomic list they make equal applies of two managers conflict."""
    items = {key: value for key, value in node["items"].items() if key != "default"}
    if "properties" in items:
        inner = items["properties"].items()
        items["properties"] = {name: {k: v for k, v in each.items() if k != "default"} for name, each in inner}
    return {**node, "items": items}


def _union(members: list[Schema]) -> Schema:
    """One type: the only member, or several lists of words as one."""
    if len(members) == 1:
        return members[0]
    words = [word for each in members for word in each.get("enum", [each.get("const")])]
    return {"type": "string", "enum": words}


def _description(schema: Schema) -> str:
    """The docstring in one paragraph, with examples where the type has some."""
    text = " ".join(schema.get("description", "").split())
    examples = ", ".join(schema.get("examples", ()))
    return f"{text} For example: {examples}.".strip() if examples else text


def _default(schema: Schema, node: Schema) -> Any:
    """The default that is worth writing into objects: nothing that is empty.

    A mapping's is that of its fields, written out: the API server checks rules against a default as it stands.
    """
    default = schema.get("default")
    if isinstance(default, Mapping):
        inner = {name: each["default"] for name, each in node.get("properties", {}).items() if "default" in each}
        return inner or None
    return None if default in ("", []) else default
