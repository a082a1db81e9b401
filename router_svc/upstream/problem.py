"""An error as its model server told it, in whichever shape: OpenAI, vLLM, SGLang, llama.cpp, TGI, FastAPI. Pure."""

import re
from typing import Any, NamedTuple

import msgspec

_SHOWABLE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Problem(NamedTuple):
    """An error as its model server told it."""

    status: int
    codes: frozenset[str]
    """The error's `code` and `type`, in lower case."""
    wording: str
    """The error's message, in lower case. Private."""


def read_problem(status: int, body: bytes) -> Problem:
    """Finds code, type and message in an error body; JSON of another kind, or none, has none of them."""
    found = decode(body)
    if not isinstance(found, dict):
        return Problem(status, frozenset(), "")
    error = found.get("error", found)
    details: dict[str, Any] = error if isinstance(error, dict) else {**found, "message": error}
    inner = details.get("innererror")  # Azure's content filter
    codes = [details.get("code"), details.get("type"), details.get("error_type")]
    if isinstance(inner, dict):
        codes.append(inner.get("code"))
    message = details.get("message", details.get("detail"))
    return Problem(
        status,
        frozenset(code.lower() for code in codes if isinstance(code, str)),
        message.lower() if isinstance(message, str) else "",
    )


def describe(problem: Problem) -> str:
    """The status, and the codes where they are short words rather than text."""
    words = sorted(code for code in problem.codes if _SHOWABLE.fullmatch(code))
    return " ".join([f"HTTP {problem.status}", *words])


def in_openai_shape(body: bytes) -> bytes | None:
    """An error body as clients of OpenAI expect it; as it came where it is in that shape. None if it is not JSON."""
    found = decode(body)
    if not isinstance(found, dict):
        return None
    error = found.get("error")
    if isinstance(error, dict):
        return body
    message = error or found.get("message") or found.get("detail") or "the model server gave no reason"
    shaped = {
        "message": message if isinstance(message, str) else msgspec.json.encode(message).decode(),
        "type": found.get("type") or found.get("error_type") or "invalid_request_error",
        "param": found.get("param"),
        "code": found.get("code"),
    }
    return msgspec.json.encode({"error": shaped})


def decode(body: bytes) -> Any:
    """JSON, or None for anything else."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
