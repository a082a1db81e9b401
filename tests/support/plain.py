"""Compiled objects as people like to read them."""

from typing import Any

import msgspec


def plain(value: Any) -> Any:
    """Plain values, with what has its default left out."""
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        return {
            field.encode_name: plain(getattr(value, field.name))
            for field in fields
            if getattr(value, field.name) != _default(field)
        }
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in sorted(value.items())}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
