"""What is wrong with a request body, said so that its author can mend it, without repeating a value of it."""

import re

from pointsman.core.errors import InvalidRequest

_NAMES = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_EXPECTED = re.compile(r"Expected `([a-z |]+)`(?P<bound>[^,`]*)(?:, got `(?P<got>\w+)`)?")
_MISSING = re.compile(r"missing required field `(\w+)`")
_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_POSITION = re.compile(r"\(byte (\d+)\)")
_CONSTANTS = (b"NaN", b"Infinity", b"-Infinity")
_HALF_PAIR = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
_HINTS = {
    "model": " GET /v1/models lists the names.",
    "messages": " Send a list of {role, content} objects.",
    "prompt": " Send a string, or a list of strings or tokens.",
    "input": " Send a string, or a list of strings or tokens.",
}


def not_utf8(position: int) -> InvalidRequest:
    """The body is not text."""
    return _syntax(f"The request body is not UTF-8 (byte {position}).")


def too_deep() -> InvalidRequest:
    """Lists or objects are nested beyond what a decoder can follow."""
    return _syntax("The request body is nested too deeply; use fewer levels of lists and objects.")


def malformed(message: str, body: bytes) -> InvalidRequest:
    """The body is not JSON; `message` is the decoder's, which names a position and no text."""
    found = _POSITION.search(message)
    at = int(found[1]) if found else len(body)
    if not body.strip():
        return _syntax("The request body is empty; send a JSON object.")
    if body.startswith(_CONSTANTS, max(at - 1, 0)) or body.startswith(_CONSTANTS, at):
        return _syntax(f"The request body is not JSON: NaN and Infinity are not allowed (byte {at}).")
    if any(word in message for word in ("truncated", "surrogate", "escape")) and _HALF_PAIR.search(body):
        return _syntax("The request body is not JSON: a \\uD800-\\uDFFF escape lacks its other half.")
    reason = f"{_reason(message)} (byte {at})" if found else "it ends too early"
    return _syntax(f"The request body is not JSON: {reason}.")


def wrong_field(message: str) -> InvalidRequest:
    """A field is missing, has the wrong type or is out of range."""
    located = _PATH.search(message)
    param = located["path"].lstrip(".") if located else ""
    message = _PATH.sub("", message)
    missing = _MISSING.search(message)
    if missing:
        param = f"{param}.{missing[1]}".lstrip(".")
        return _field(param, "missing_required_parameter", f"{param} is required.")
    if not param:
        return InvalidRequest("The request body must be a JSON object.")
    expected = _EXPECTED.search(message)
    if expected is None:
        return _field(param, "invalid_value", f"{param} is out of range.")
    wanted = " or ".join(_NAMES.get(name, name) for name in expected[1].split(" | "))
    if not expected["got"]:
        return _field(param, "invalid_value", f"{param} must be {wanted}{expected['bound']}.")
    got = _NAMES.get(expected["got"], expected["got"])
    return _field(param, "invalid_type", f"{param} must be {wanted}, not {got}.")


def _reason(message: str) -> str:
    return message.removeprefix("JSON is malformed: ").split(" (byte")[0]


def _syntax(message: str) -> InvalidRequest:
    return InvalidRequest(message, code="invalid_json")


def _field(param: str, code: str, message: str) -> InvalidRequest:
    return InvalidRequest(message + _HINTS.get(param, ""), code=code, param=param)
