"""What pydantic finds wrong with a document, in words that lead to the fix."""

import difflib
import json
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from pointsman.core.patterns import PATTERNS
from pointsman.core.problems import Finding, path

_NOUNS = {
    "string_type": "a string",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "model_type": "a mapping of fields",
    "mapping_type": "a mapping of names to values",
    "dict_type": "a mapping of names to values",
}


def findings(model: type[BaseModel], errors: list[ErrorDetails], document: Any, *, private: bool) -> Iterator[Finding]:
    """One finding per field that is wrong; with `private`, no value of the document is quoted."""
    choices: dict[tuple[str | int, ...], list[str]] = {}
    for error in errors:
        at = location(error, document)
        if error["type"] == "too_short" and any(
            len(other["loc"]) > len(at) and other["loc"][: len(at)] == at for other in errors
        ):
            continue  # only because its entries are wrong
        if error["type"] in ("enum", "literal_error"):
            choices.setdefault(at, []).append(error["ctx"]["expected"])
        else:
            yield Finding(path(*at), *_explain(model, error, at, private))
    for at, expected in choices.items():
        yield Finding(path(*at), *_choice(" or ".join(expected), _lookup(document, at), private))


def location(error: ErrorDetails, document: Any) -> tuple[str | int, ...]:
    """Where the error is, without what pydantic appends to tell the members of a union apart."""
    loc = error["loc"]
    for depth, part in enumerate(loc):
        try:
            document = document[part]
        except (LookupError, TypeError):
            return loc if error["type"] == "missing" else loc[:depth]
    return loc


def _lookup(document: Any, at: tuple[str | int, ...]) -> Any:
    for part in at:
        document = document[part]
    return document


def _explain(model: type[BaseModel], error: ErrorDetails, at: tuple[str | int, ...], private: bool) -> tuple[str, str]:
    """Problem and fix of one error."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "missing":
        return "is required", f"Add {path(*at)}"
    if kind == "extra_forbidden":
        return _unknown(model, at)
    if kind in _NOUNS:
        return _wrong_type(_NOUNS[kind], error["input"], private)
    if kind == "string_pattern_mismatch":
        return _pattern(context["pattern"], error["input"], private)
    return _bound(kind, context) or (error["msg"].lower(), "See `kubectl explain` or the reference for this field")


def _bound(kind: str, context: Mapping[str, Any]) -> tuple[str, str] | None:
    """Bounds of numbers, texts, lists and mappings."""
    if kind == "greater_than_equal":
        return f"is below {context['ge']}", f"Use {context['ge']} or more"
    if kind == "less_than_equal":
        return f"is above {context['le']}", f"Use {context['le']} or less"
    if kind == "string_too_short":
        return "is empty", "Write something, or leave the field out"
    if kind == "string_too_long":
        return f"is longer than {context['max_length']} characters", f"Shorten it to {context['max_length']}"
    if kind == "too_short":
        return "is empty", f"Give at least {context['min_length']}"
    if kind == "too_long":
        return f"has more than {context['max_length']} entries", f"Keep at most {context['max_length']}"
    return None


def _wrong_type(noun: str, value: Any, private: bool) -> tuple[str, str]:
    """Something of another type; most often YAML took unquoted text for a number, a boolean or nothing."""
    given = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    was = "nothing" if value is None else given.get(type(value), "a mapping")
    if noun == "a string" and isinstance(value, (bool, int, float)):
        fix = "Write it in quotes" if private else f'Write it in quotes, such as "{json.dumps(value)}"'
        return f"must be a string, but YAML reads it as {was}", fix
    if noun in ("a whole number", "true or false") and isinstance(value, str):
        return f"must be {noun}, but is {was}", "Write it without quotes"
    return f"must be {noun}, but is {was}", f"Make it {noun}"


def _pattern(pattern: str, value: Any, private: bool) -> tuple[str, str]:
    words, example = PATTERNS.get(pattern, (f"text that matches {pattern}", ""))
    quoted = "" if private or not isinstance(value, str) else f" {_quote(value)}"
    return f"the value{quoted} is not {words}", f"Write it like {example}" if example else f"Write {words}"


def _choice(expected: str, value: Any, private: bool) -> tuple[str, str]:
    """A value that is none of those allowed."""
    options = expected.replace("'", "")
    if not isinstance(value, str):
        return f"must be one of {options}", "Write one of them, in quotes where YAML reads it as something else"
    words = options.replace(" or ", ", ").split(", ")
    near = close(value, words)
    quoted = "the value" if private else _quote(value)
    return f"{quoted} is not one of {options}", f"Did you mean {near}?" if near else "Use one of them"


def _unknown(model: type[BaseModel], at: tuple[str | int, ...]) -> tuple[str, str]:
    """A field that does not exist: a slip of the pen, or the right field in the wrong place."""
    name, parent = str(at[-1]), _model_at(model, at[:-1])
    known = [field.alias or key for key, field in parent.model_fields.items()] if parent else []
    near = close(name, known)
    if near:
        return f"there is no field {_quote(name)} here", f"Did you mean {near}?"
    places = [place for place in _places(model, name) if "spec" in place]
    if places:
        return f"there is no field {_quote(name)} here", f"It belongs to {places[0]}"
    return f"there is no field {_quote(name)} here", f"Remove it; known here: {', '.join(known)}"


def close(word: str, known: list[str]) -> str | None:
    """The known word that was probably meant, if any."""
    plain = {item.lower().replace("_", ""): item for item in known}
    near = difflib.get_close_matches(word[:64].lower().replace("_", ""), plain, n=1, cutoff=0.7)
    return plain[near[0]] if near else None


def _quote(value: str) -> str:
    return json.dumps(value if len(value) <= 60 else value[:57] + "...", ensure_ascii=False)


def _inner(annotation: Any) -> type[BaseModel] | None:
    """The model within Optional, Annotated and tuple, if there is one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Annotated, tuple, Union, types.UnionType):
        return next((found for part in get_args(annotation) if (found := _inner(part))), None)
    return None


def _model_at(model: type[BaseModel], at: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The type of the mapping at a location."""
    found: type[BaseModel] | None = model
    for part in at:
        if isinstance(part, str) and found is not None:
            fields = {field.alias: field.annotation for field in found.model_fields.values()}
            found = _inner(fields.get(part))
    return found


def _places(model: type[BaseModel], name: str, at: str = "") -> Iterator[str]:
    """Every place of a resource that has a field of this name."""
    for key, field in model.model_fields.items():
        alias = field.alias or key
        if alias == name:
            yield at
        inner = _inner(field.annotation)
        if inner is not None:
            yield from _places(inner, name, f"{at}.{alias}" if at else alias)
