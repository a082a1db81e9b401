"""More problems at once: what the rules find in the sound part of an object whose schema is violated elsewhere.

Rules need a typed object, which a document with a wrong field does not give. Without its wrong fields it often does.
"""

import copy
import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from pointsman.core.problems import Finding, path
from pointsman.core.resources import ModelBackend, RoutingPolicy
from pointsman.core.validate import validate

Location = tuple[str | int, ...]


def further(model: type[BaseModel], document: Any, wrong: Sequence[Location]) -> list[Finding]:
    """What the rules find besides these wrong fields; nothing when the rest does not stand without them."""
    rest = copy.deepcopy(document)
    if not all(_remove(rest, at) for at in wrong):
        return []
    try:
        resource = model.model_validate_json(json.dumps(rest), strict=True, by_alias=True, by_name=False)
    except ValidationError:
        return []
    if not isinstance(resource, (ModelBackend, RoutingPolicy)):
        return []
    fields = [path(*at) for at in wrong]
    return [finding for finding in validate(resource) if not any(_touch(finding.field, field) for field in fields)]


def _remove(document: Any, at: Location) -> bool:
    """Takes a field out; an entry of a list stays, since the others' indices would change."""
    for part in at[:-1]:
        document = document[part]
    if not at or not isinstance(document, dict):
        return False
    document.pop(at[-1], None)
    return True


def _touch(one: str, other: str) -> bool:
    """Whether one field is, or is part of, the other."""
    return one.startswith(other) or other.startswith(one)
