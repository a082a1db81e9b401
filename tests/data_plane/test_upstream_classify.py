"""What each kind of error response means, as model servers word it."""

import email.utils
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from pointsman.core.resources.policy import Trigger
from router_svc.upstream.classify import classify, embedded, retry_after

NOW = 1_760_000_000.0
CANARY = "canary-5f1c"


def error(**fields: Any) -> bytes:
    return msgspec.json.encode({"error": {"message": CANARY, **fields}})


CASES = {
    "OpenAI rate limit": (429, error(code="rate_limit_exceeded"), Trigger.RATE_LIMITED, False),
    "bare 429": (429, b"slow down", Trigger.RATE_LIMITED, False),
    "OpenAI quota": (429, error(code="insufficient_quota", type="insufficient_quota"), Trigger.QUOTA_EXHAUSTED, False),
    "payment required": (402, b"{}", Trigger.QUOTA_EXHAUSTED, False),
    "503": (503, b"", Trigger.OVERLOADED, True),
    "llama.cpp loading": (503, error(message="Loading model", type="unavailable_error"), Trigger.OVERLOADED, True),
    "Anthropic overloaded": (529, error(type="overloaded_error"), Trigger.OVERLOADED, True),
    "TGI overloaded": (429, b'{"error":"Model is overloaded","error_type":"overloaded"}', Trigger.OVERLOADED, True),
    "500": (500, b"<html>", Trigger.SERVER_ERROR, True),
    "502": (502, b"", Trigger.SERVER_ERROR, True),
    "501": (501, b"", Trigger.SERVER_ERROR, True),
    "408": (408, b"", Trigger.TIMEOUT, True),
    "504": (504, b"", Trigger.TIMEOUT, True),
    "OpenAI context": (400, error(code="context_length_exceeded"), Trigger.CONTEXT_LENGTH, False),
    "vLLM context": (
        400,
        b'{"object":"error","message":"This model\'s maximum context length is 4096 tokens.","code":400}',
        Trigger.CONTEXT_LENGTH,
        False,
    ),
    "vLLM max_model_len": (
        400,
        error(message="The decoder prompt (length 5000) is longer than max_model_len of 4096"),
        Trigger.CONTEXT_LENGTH,
        False,
    ),
    "llama.cpp context": (400, error(type="exceed_context_size_error", code=400), Trigger.CONTEXT_LENGTH, False),
    "llama.cpp old context": (
        500,
        error(message="the request exceeds the available context size. try increasing the context size"),
        Trigger.CONTEXT_LENGTH,
        False,
    ),
    "TGI context": (
        422,
        b'{"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096"}',
        Trigger.CONTEXT_LENGTH,
        False,
    ),
    "413 context": (413, error(message="prompt is too long: 210000 tokens > 200000"), Trigger.CONTEXT_LENGTH, False),
    "Azure filter": (400, error(code="content_filter"), Trigger.REFUSAL, False),
    "401": (401, error(code="invalid_api_key"), Trigger.SERVER_ERROR, False),
    "403": (403, error(), Trigger.SERVER_ERROR, False),
    "404": (404, error(code="model_not_found"), Trigger.SERVER_ERROR, False),
    "redirect": (307, b"", Trigger.SERVER_ERROR, False),
    "400": (400, error(code="invalid_value", param="temperature"), None, False),
    "413": (413, b"too large", None, False),
    "422": (422, b'{"detail":[{"loc":["body","n"],"msg":"not an integer"}]}', None, False),
}


@pytest.mark.parametrize(("status", "body", "trigger", "fault"), CASES.values(), ids=CASES)
def test_trigger(status: int, body: bytes, trigger: Trigger | None, fault: bool):
    failure = classify(status, {}, body, NOW)
    assert (failure.trigger, failure.endpoint_fault, failure.status) == (trigger, fault, status)
    assert CANARY not in failure.message


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_misconfigured_backend_is_named_as_such_and_its_body_kept_from_clients(status: int):
    failure = classify(status, {}, error(message="Incorrect API key provided: sk-secret"), NOW)
    assert "check spec." in failure.message
    assert failure.body is None


@pytest.mark.parametrize("status", [307, 401, 403, 404, 405])
def test_misconfiguration_is_told_apart(status: int):
    assert classify(status, {}, error(), NOW).misconfigured


@pytest.mark.parametrize("case", [name for name in CASES if name not in ("401", "403", "404", "redirect")])
def test_nothing_else_speaks_of_misconfiguration(case: str):
    status, body, _, _ = CASES[case]
    assert not classify(status, {}, body, NOW).misconfigured


def test_an_error_of_the_request_is_passed_on_as_it_is():
    body = b'{ "error": {"message":"n must be 1",  "code":null} }'
    assert classify(400, {}, body, NOW).body == body


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"object":"error","message":"n must be 1","type":"BadRequestError","param":"n","code":400}', "n must be 1"),
        (b'{"error":"n must be 1"}', "n must be 1"),
        (b'{"detail":[{"loc":["n"]}]}', '[{"loc":["n"]}]'),
        (b"{}", "the model server gave no reason"),
    ],
)
def test_other_shapes_become_openai_s(body: bytes, message: str):
    shaped = classify(400, {}, body, NOW).body
    assert shaped is not None
    assert msgspec.json.decode(shaped)["error"]["message"] == message


def test_a_page_of_html_is_not_passed_on():
    assert classify(400, {}, b"<html>bad request</html>", NOW).body is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "Retry-After": "1"}, 0.25),
        ({"Retry-After": email.utils.formatdate(NOW + 90, usegmt=True)}, 90.0),
        ({"Retry-After": email.utils.formatdate(NOW - 90, usegmt=True)}, 0.0),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "99999999"}, 3600.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None):
    assert retry_after(CIMultiDict(headers), NOW) == seconds


@pytest.mark.parametrize(
    ("value", "trigger"),
    [
        (b'{"message":"x","code":429}', Trigger.RATE_LIMITED),
        (b'{"message":"x","code":"insufficient_quota"}', Trigger.QUOTA_EXHAUSTED),
        (b'{"type":"overloaded_error"}', Trigger.OVERLOADED),
        (b'{"type":"exceed_context_size_error","code":400}', Trigger.CONTEXT_LENGTH),
        (b'{"message":"x","code":400}', None),
        (b'"CUDA out of memory"', Trigger.SERVER_ERROR),
        (b"{}", Trigger.SERVER_ERROR),
    ],
)
def test_errors_inside_an_answer_with_status_200(value: bytes, trigger: Trigger | None):
    assert embedded(value, NOW).trigger == trigger


@given(st.integers(300, 599), st.binary(max_size=200), st.text(max_size=40))
def test_whatever_comes_is_classified(status: int, body: bytes, wait: str):
    failure = classify(status, {"retry-after": wait}, body, NOW)
    assert failure.retry_after is None or 0 <= failure.retry_after <= 3600
