"""The client's request reaches the model server as it was, but for what must change."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.request import Effort, Operation
from pointsman.core.resources.backend import ReasoningParameter, ReasoningType
from pointsman.core.snapshot import Backend, ReasoningSupport
from router_svc.exchange import Body
from router_svc.upstream import build
from tests.support.calls import BACKEND, body

TEMPLATE, EFFORT = ReasoningParameter.CHAT_TEMPLATE_KWARGS, ReasoningParameter.REASONING_EFFORT


def thinking(parameter: ReasoningParameter, kind: ReasoningType = ReasoningType.TOGGLE) -> Backend:
    return Backend(namespace="ai", name="r", model="m", reasoning=ReasoningSupport(type=kind, parameter=parameter))


def sent(request: Body, effort: Effort | None = None, backend: Backend = BACKEND, **kwargs: Any) -> dict[str, Any]:
    return msgspec.json.decode(build(request, kwargs.pop("operation", Operation.CHAT), backend, effort, **kwargs).body)


def test_only_the_model_changes():
    raw = b'{"temperature": 0.70, "model" : "auto", "x_unknown":{ "deep":[1.50,"\\u00e4", null] },"seed":1e3}'
    request = Body(fields=msgspec.json.decode(raw, type=dict[str, msgspec.Raw]), model="auto")
    expected = b'{"temperature":0.70,"model":"vendor/small","x_unknown":{ "deep":[1.50,"\\u00e4", null] },"seed":1e3}'
    assert build(request, Operation.CHAT, BACKEND, None).body == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
OURS = {"model", "stream", "stream_options", "reasoning", "reasoning_effort", "chat_template_kwargs"}
BUILDERS = {"effort", "include_usage"}  # what `body` takes for itself


@given(
    st.dictionaries(st.text(max_size=8).filter(lambda name: name not in OURS | BUILDERS), JSON, max_size=6),
    st.booleans(),
)
def test_unknown_fields_keep_their_bytes_and_order(fields: dict[str, Any], stream: bool):
    request = body(stream=stream, **fields)
    built = build(request, Operation.CHAT, BACKEND, None)
    after = msgspec.json.decode(built.body, type=dict[str, msgspec.Raw])
    assert [name for name in after if name in fields] == [name for name in request.fields if name in fields]
    assert all(bytes(after[name]) == bytes(request.fields[name]) for name in fields)


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        (Operation.CHAT, "/v1/chat/completions"),
        (Operation.COMPLETION, "/v1/completions"),
        (Operation.EMBEDDINGS, "/v1/embeddings"),
    ],
)
def test_each_operation_has_its_path(operation: Operation, path: str):
    assert build(body(), operation, BACKEND, None).path == path


@pytest.mark.parametrize("effort", Effort)
def test_effort_is_sent_in_openai_s_words(effort: Effort):
    words = {"None": "none", "Minimal": "minimal", "Low": "low", "Medium": "medium", "High": "high", "XHigh": "xhigh"}
    assert sent(body(), effort, thinking(EFFORT))["reasoning_effort"] == words[effort.value]


@pytest.mark.parametrize(("effort", "on"), [(Effort.NONE, False), (Effort.LOW, True), (Effort.HIGH, True)])
def test_effort_as_a_switch_of_the_chat_template(effort: Effort, on: bool):
    request = body(effort=Effort.HIGH, reasoning_effort="high", chat_template_kwargs={"custom": 1})
    after = sent(request, effort, thinking(TEMPLATE))
    assert after["chat_template_kwargs"] == {"enable_thinking": on, "custom": 1}
    assert "reasoning_effort" not in after


SAID: dict[str, Any] = {
    "reasoning_effort": "high",
    "reasoning": {"effort": "high", "max_tokens": 9000, "enabled": True},
    "chat_template_kwargs": {"enable_thinking": True},
}
"""Every form in which a client says how long to think."""


@pytest.mark.parametrize("name", SAID)
@pytest.mark.parametrize(
    ("backend", "own"),
    [
        (thinking(EFFORT), {"reasoning_effort": "none"}),
        (thinking(TEMPLATE), {"chat_template_kwargs": {"enable_thinking": False}}),
    ],
    ids=["effort", "template"],
)
def test_the_plan_comes_before_what_the_client_set_in_any_form(name: str, backend: Backend, own: dict[str, Any]):
    after = sent(body(**{name: SAID[name]}), Effort.NONE, backend)
    assert {each: after[each] for each in SAID if each in after} == own


@pytest.mark.parametrize("backend", [BACKEND, thinking(EFFORT), thinking(TEMPLATE)], ids=["none", "effort", "template"])
@pytest.mark.parametrize("operation", [Operation.CHAT, Operation.COMPLETION])
def test_what_the_plan_does_not_grant_is_removed_in_every_form(backend: Backend, operation: Operation):
    assert not SAID.keys() & sent(body(**SAID), None, backend, operation=operation).keys()


@pytest.mark.parametrize("effort", [None, Effort.NONE, Effort.HIGH])
@pytest.mark.parametrize("parameter", [EFFORT, TEMPLATE])
def test_what_else_those_objects_hold_stays(effort: Effort | None, parameter: ReasoningParameter):
    request = body(
        reasoning={"effort": "high", "exclude": True}, chat_template_kwargs={"enable_thinking": True, "custom": [1.50]}
    )
    after = sent(request, effort, thinking(parameter))
    assert after["reasoning"] == {"exclude": True}
    assert after["chat_template_kwargs"]["custom"] == [1.5]


@pytest.mark.parametrize("odd", [None, "high", 3, ["enable_thinking"], {}])
def test_shapes_of_other_dialects_pass(odd: Any):
    request = body(reasoning=odd, chat_template_kwargs=odd)
    after = sent(request, None, thinking(TEMPLATE))
    assert (after["reasoning"], after["chat_template_kwargs"]) == (odd, odd)


def test_effort_is_removed_where_the_backend_does_not_know_it():
    request = body(effort=Effort.LOW, reasoning_effort="low")
    assert "reasoning_effort" not in sent(request, Effort.LOW, BACKEND)
    assert "reasoning_effort" not in sent(request, None, thinking(TEMPLATE))


def test_effort_is_not_sent_with_completions():
    after = sent(body(), Effort.HIGH, thinking(EFFORT), operation=Operation.COMPLETION)
    assert "reasoning_effort" not in after


@pytest.mark.parametrize(
    ("given_options", "expected"),
    [
        (None, {"include_usage": True}),
        ({"include_usage": False, "include_obfuscation": False}, {"include_usage": True, "include_obfuscation": False}),
        ({"continuous_usage_stats": True}, {"continuous_usage_stats": True, "include_usage": True}),
        ("odd", "odd"),
    ],
)
def test_usage_of_streams_is_always_asked_for(given_options: Any, expected: Any):
    assert sent(body(stream=True, stream_options=given_options))["stream_options"] == expected


def test_usage_is_stripped_unless_the_client_asked_for_it():
    assert build(body(stream=True), Operation.CHAT, BACKEND, None).strip_usage
    assert not build(body(stream=True, include_usage=True), Operation.CHAT, BACKEND, None).strip_usage
    whole = build(body(), Operation.CHAT, BACKEND, None)
    assert not whole.strip_usage
    assert "stream_options" not in msgspec.json.decode(whole.body)


def test_only_the_trace_context_is_passed_on():
    headers = {
        "traceparent": "00-a-b-01",
        "tracestate": "k=v",
        "authorization": "Bearer client",
        "cookie": "c",
        "x-pointsman-session": "s",
        "x-pointsman-explain": "true",
    }
    built = build(body(), Operation.CHAT, BACKEND, None, headers=headers)
    assert built.headers == {"content-type": "application/json", "traceparent": "00-a-b-01", "tracestate": "k=v"}
