"""One plain object to its type, validated as strictly as the API server does it."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from pointsman.core.kinds import Kind
from pointsman.core.mistakes import findings, location
from pointsman.core.problems import Finding
from pointsman.core.resources.common import Ref
from pointsman.core.salvage import further


def ref_of(kind: Kind, body: Mapping[str, Any]) -> Ref | None:
    """Who the object says that it is, when it says so legibly."""
    metadata = body.get("metadata")
    if not isinstance(metadata, Mapping):
        return None
    name, namespace = metadata.get("name"), metadata.get("namespace") or "default"
    if not isinstance(name, str) or not isinstance(namespace, str) or not name:
        return None
    return Ref(kind=kind.name, namespace=namespace[:63], name=name[:253])


def typed_object(kind: Kind, body: Mapping[str, Any]) -> tuple[BaseModel | None, list[Finding]]:
    """The typed object, or why there is none."""
    document = _without_nulls({key: value for key, value in body.items() if key != "status"})
    try:
        text = json.dumps(document)
        return kind.model.model_validate_json(text, strict=True, by_alias=True, by_name=False), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
        found = list(findings(kind.model, errors, document, private=not kind.ours))
        more = further(kind.model, document, [location(each, document) for each in errors]) if kind.ours else []
        return None, found + more
    except (TypeError, ValueError, RecursionError):
        return None, [Finding("", "holds something that JSON cannot express", "Use plain values only")]


def _without_nulls(value: Any) -> Any:
    """Fields without a value are left out, as the API server does."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_without_nulls(item) for item in value]
    return value
