"""What a model server's error means: HTTP status, headers and body in, a failure with its trigger out. Pure.

The rules are read from top to bottom and the first that holds decides. Servers disagree on statuses but less so on
codes and wording, so those come first. The wording is only looked at: no message made here contains any of it, since
it may quote the prompt.
"""

import email.utils
import math
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from pointsman.core.resources.policy import Trigger
from router_svc.exchange import Failure
from router_svc.upstream.problem import Problem, decode, describe, in_openai_shape, read_problem

MAX_RETRY_AFTER = 3600.0
"""Seconds. A backend that asks for more is asked again after this time."""

_CONTEXT_CODES = {"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"}
_CONTEXT_WORDING = re.compile(
    r"context (length|window|size)|maximum (model|input|prompt) length|max_model_len|(prompt|input) is too long"
    r"|must have less than \d+ tokens|`?inputs`? tokens \+ `?max_new_tokens`? must be"
    r"|exceeds? the (maximum|limit).{0,40}tokens|too many (input |prompt )?tokens"
)
_QUOTA_CODES = {"insufficient_quota", "billing_hard_limit_reached", "quota_exceeded"}
_FILTER_CODES = {"content_filter", "content_policy_violation", "responsibleaipolicyviolation"}


class Rule(NamedTuple):
    """One kind of error."""

    holds: Callable[[Problem], bool]
    trigger: Trigger | None
    says: str
    endpoint_fault: bool = False
    misconfigured: bool = False
    show_body: bool = True
    """Whether the client may see the error body, or it concerns the router and the backend only."""


def _quota_spent(it: Problem) -> bool:
    return it.status == 402 or bool(it.codes & _QUOTA_CODES)


def _overloaded(it: Problem) -> bool:
    return (
        it.status in (503, 529)
        or any("overloaded" in code for code in it.codes)
        or (it.status in (429, 500, 502) and "overloaded" in it.wording)
    )


def _rate_limited(it: Problem) -> bool:
    return it.status == 429 or bool(it.codes & {"rate_limit_exceeded", "rate_limit_error"})


def _context_too_long(it: Problem) -> bool:
    return bool(it.codes & _CONTEXT_CODES) or (
        it.status in (400, 413, 422, 500) and _CONTEXT_WORDING.search(it.wording) is not None
    )


RULES = (
    Rule(_context_too_long, Trigger.CONTEXT_LENGTH, "the prompt is too long for the model"),
    Rule(lambda it: bool(it.codes & _FILTER_CODES), Trigger.REFUSAL, "the content filter refused the request"),
    Rule(_quota_spent, Trigger.QUOTA_EXHAUSTED, "the backend's account has no quota left", show_body=False),
    Rule(_overloaded, Trigger.OVERLOADED, "the model server is overloaded", endpoint_fault=True),
    Rule(_rate_limited, Trigger.RATE_LIMITED, "the backend limits the rate of requests"),
    Rule(lambda it: it.status in (408, 504), Trigger.TIMEOUT, "the model server timed out", endpoint_fault=True),
    # Misconfiguration. It does not count against the endpoint, which no ejection would mend, and one alone proves
    # nothing, since clients could cause it: firewalls in front of hosted models answer 403 to some prompts.
    Rule(
        lambda it: it.status in (401, 403),
        Trigger.SERVER_ERROR,
        "the backend does not accept the router's credential: check spec.auth",
        misconfigured=True,
        show_body=False,
    ),
    Rule(
        lambda it: it.status in (404, 405),
        Trigger.SERVER_ERROR,
        "the backend does not know the model or the API: check spec.model, spec.endpoints and capabilities.operations",
        misconfigured=True,
        show_body=False,
    ),
    Rule(
        lambda it: it.status < 400,
        Trigger.SERVER_ERROR,
        "the backend answered neither with a result nor with an error: check spec.endpoints",
        misconfigured=True,
        show_body=False,
    ),
    Rule(lambda it: it.status >= 500, Trigger.SERVER_ERROR, "the model server failed", endpoint_fault=True),
    Rule(lambda it: True, None, "the model server does not accept the request"),
)


def classify(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Failure:
    """What an error response means. `headers` ignore case; `now` is in epoch seconds, for a Retry-After date."""
    problem = read_problem(status, body)
    rule = next(rule for rule in RULES if rule.holds(problem))
    return Failure(
        trigger=rule.trigger,
        message=f"{rule.says} ({describe(problem)})",
        status=status,
        received=status,
        body=in_openai_shape(body) if rule.show_body else None,
        retry_after=retry_after(headers, now),
        endpoint_fault=rule.endpoint_fault,
        misconfigured=rule.misconfigured,
    )


def embedded(error: bytes, now: float) -> Failure:
    """What an error means that came in the body or stream of a 200. `error` is the JSON value of its field `error`."""
    body = b'{"error":' + error + b"}"
    found = decode(error)
    code = found.get("code") if isinstance(found, dict) else None
    status = code if isinstance(code, int) and 400 <= code <= 599 else 500
    return msgspec.structs.replace(classify(status, {}, body, now), received=200)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the backend asks to be left alone: Retry-After (seconds or a date) or OpenAI's retry-after-ms."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * unit
        except ValueError:
            seconds = _seconds_until(value, now)
        if math.isfinite(seconds):
            return min(max(seconds, 0.0), MAX_RETRY_AFTER)
    return None


def _seconds_until(date: str, now: float) -> float:
    try:
        return email.utils.parsedate_to_datetime(date).timestamp() - now
    except (ValueError, OverflowError):
        return math.nan
