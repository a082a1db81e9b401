"""The answers of /v1/models."""

from collections.abc import Iterable

import msgspec

from pointsman.core.errors import UnknownModel
from pointsman.core.resolve import no_such_model


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One name that a client may ask for."""

    id: str
    owned_by: str = "pointsman"
    """The namespace of its backend; "pointsman" for a virtual name."""
    created: int = 0
    """Epoch seconds; 0 when unknown."""


class _Rendered(msgspec.Struct, frozen=True, tag="model", tag_field="object"):
    id: str
    created: int
    owned_by: str


def render_list(entries: Iterable[ModelEntry]) -> bytes:
    """OpenAI's list of models."""
    return msgspec.json.encode({"object": "list", "data": [_rendered(entry) for entry in entries]})


def render_one(entries: Iterable[ModelEntry], name: str) -> bytes:
    """OpenAI's description of one model; raises UnknownModel, which lists what exists."""
    known = {entry.id: entry for entry in entries}
    if name not in known:
        raise UnknownModel(no_such_model(name, known), param="model")
    return msgspec.json.encode(_rendered(known[name]))


def _rendered(entry: ModelEntry) -> _Rendered:
    return _Rendered(entry.id, entry.created, entry.owned_by)
