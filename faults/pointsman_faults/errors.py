"""Errors in the shapes that model servers use. Pure."""

import json
from typing import Any

from pointsman_faults.kinds import (
    ContextLength,
    Dialect,
    ErrorEvent,
    Fault,
    InsufficientQuota,
    Overloaded,
    RateLimit,
    Status,
)

_CONTEXT_ERRORS: dict[Dialect, dict[str, Any]] = {
    Dialect.OPENAI: {
        "error": {
            "message": "This model's maximum context length is 4096 tokens. However, your messages resulted in 5000.",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "context_length_exceeded",
        }
    },
    Dialect.VLLM: {
        "object": "error",
        "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
        "type": "BadRequestError",
        "param": None,
        "code": 400,
    },
    Dialect.LLAMA_CPP: {
        "error": {
            "code": 400,
            "message": "the request exceeds the available context size, try increasing it",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": 5000,
            "n_ctx": 4096,
        }
    },
    Dialect.TGI: {
        "error": "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000",
        "error_type": "validation",
    },
}


def error_of(fault: Fault | None) -> tuple[int, Any, float | str | None] | None:
    """Status, body and Retry-After of a fault that answers with an HTTP error; None for other faults."""
    if isinstance(fault, Status):
        body = fault.body if fault.body is not None else error(fault.message, fault.error_type, fault.code)
        return fault.status, body, fault.retry_after
    if isinstance(fault, RateLimit):
        return 429, error("too many requests", "requests", "rate_limit_exceeded"), fault.retry_after
    if isinstance(fault, InsufficientQuota):
        return 429, error("you exceeded your quota", "insufficient_quota", "insufficient_quota"), None
    if isinstance(fault, Overloaded):
        return 503, error("the server is overloaded", "server_error", None), fault.retry_after
    if isinstance(fault, ContextLength):
        return 400, _CONTEXT_ERRORS[fault.dialect], None
    return None


def error_data(fault: ErrorEvent) -> str:
    """The data of an error inside a stream."""
    whole = error(fault.message, "server_error", fault.code)
    return json.dumps(whole["error"] if fault.named else whole)


def error(message: str, kind: str, code: str | int | None) -> dict[str, Any]:
    """An error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
