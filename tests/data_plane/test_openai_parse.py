"""From bytes to facts, and what is said of bytes that are none."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pointsman.core.errors import InvalidRequest
from pointsman.core.request import Effort, Operation, Turn
from router_svc.exchange import Body
from router_svc.openai.content import MEDIA_TOKENS
from router_svc.openai.parse import parse

CANARY = "sw0rdfish"


def chat(**fields: object) -> bytes:
    return json.dumps({"model": "auto", "messages": [{"role": "user", "content": "hi"}], **fields}).encode()


def read(**fields: object) -> Body:
    return parse(Operation.CHAT, chat(**fields))


def refused(body: bytes, operation: Operation = Operation.CHAT) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        parse(operation, body)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


def test_untouched_fields_keep_their_bytes_and_order() -> None:
    body = b'{"z": 1.50, "model":"auto", "x" : {"a": [1,  2]}, "messages":[{"role":"user","content":"a"}]}'
    fields = parse(Operation.CHAT, body).fields
    assert list(fields) == ["z", "model", "x", "messages"]
    assert bytes(fields["z"]) == b"1.50"
    assert bytes(fields["x"]) == b'{"a": [1,  2]}'


def test_roles_and_parts_become_turns() -> None:
    messages = [
        {"role": "developer", "content": "be kind"},
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "f"}}]},
        {"role": "tool", "content": "42", "tool_call_id": "1"},
    ]
    assert read(messages=messages).turns == (
        Turn("system", "be kind"),
        Turn("user", "one\ntwo"),
        Turn("assistant", ""),
        Turn("tool", "42"),
    )


@pytest.mark.parametrize("part", ["image_url", "input_audio", "file", "something_new"])
def test_what_is_not_text_needs_vision_and_counts(part: str) -> None:
    body = read(messages=[{"role": "user", "content": [{"type": part, part: {"url": "data:..."}}]}])
    assert body.vision
    assert body.prompt_tokens >= MEDIA_TOKENS


def test_tools_and_tool_calls_count_in_the_size() -> None:
    plain = read().prompt_tokens
    tools = [{"type": "function", "function": {"name": "f", "description": "x" * 400}}]
    assert read(tools=tools).tools
    assert read(tools=tools).prompt_tokens > plain + 100
    calls = [{"role": "assistant", "tool_calls": tools}]
    assert read(messages=calls).prompt_tokens > 100


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"max_tokens": 5}, "max_output_tokens", 5),
        ({"max_tokens": 5, "max_completion_tokens": 7}, "max_output_tokens", 7),
        ({"max_tokens": None}, "max_output_tokens", None),
        ({"reasoning_effort": "high"}, "effort", Effort.HIGH),
        ({"reasoning_effort": "max"}, "effort", Effort.X_HIGH),
        ({"reasoning_effort": "none"}, "effort", Effort.NONE),
        ({"reasoning_effort": None, "reasoning": {"effort": "xhigh"}}, "effort", Effort.X_HIGH),
        ({"reasoning": True}, "effort", None),
        ({"stream": True}, "stream", True),
        ({"stream": None}, "stream", False),
        ({"stream_options": {"include_usage": True}}, "include_usage", True),
        ({"stream_options": None}, "include_usage", False),
        ({"response_format": {"type": "json_object"}}, "json", True),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "json", True),
        ({"response_format": {"type": "text"}}, "json", False),
        ({"tools": []}, "tools", False),
        ({"functions": [{"name": "f"}]}, "tools", True),
        ({"user": "ada"}, "user", "ada"),
        ({"user": None}, "user", ""),
    ],
)
def test_facts(fields: dict[str, object], name: str, value: object) -> None:
    assert getattr(read(**fields), name) == value


@pytest.mark.parametrize(
    ("given_input", "turns", "tokens"),
    [
        ("abcdefgh", 1, 2),
        (["abcd", "efgh"], 2, 2),
        ([1, 2, 3], 1, 3),
        ([[1, 2], [3]], 2, 3),
    ],
)
@pytest.mark.parametrize(("operation", "field"), [(Operation.EMBEDDINGS, "input"), (Operation.COMPLETION, "prompt")])
def test_prompts(operation: Operation, field: str, given_input: object, turns: int, tokens: int) -> None:
    body = parse(operation, json.dumps({"model": "m", field: given_input}).encode())
    assert len(body.turns) == turns
    assert body.prompt_tokens == tokens


def test_the_last_of_repeated_fields_counts() -> None:
    body = b'{"model":"a","model":"b","messages":[{"role":"user","content":"x"}]}'
    assert parse(Operation.CHAT, body).model == "b"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "is empty"),
        (b'{"model": "sw0rdfish', "ends too early"),
        (b'{"model": "a",}', "byte 14"),
        (b'{"t": NaN}', "NaN"),
        (b'{"t": -Infinity}', "NaN and Infinity"),
        (b'{"t": "\xffsw0rdfish"}', "not UTF-8 (byte 7)"),
        (b'{"t": "\\ud800 sw0rdfish"}', "other half"),
        (b'{"t": "\\udc00 sw0rdfish"}', "other half"),
        (b'{"t": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too deeply"),
        (b'{"t": 1} sw0rdfish', "byte 10"),
    ],
)
def test_what_is_no_json(body: bytes, says: str) -> None:
    error = refused(body)
    assert error.code == "invalid_json"
    assert says in error.message


def test_what_is_no_object() -> None:
    assert "must be a JSON object" in refused(b'["sw0rdfish"]').message


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"model": None}, "model", "invalid_type"),
        ({"model": ""}, "model", "invalid_value"),
        ({"messages": CANARY}, "messages", "invalid_type"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": [{"content": CANARY}]}, "messages[0].role", "missing_required_parameter"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "invalid_type"),
        ({"messages": [{"role": "user", "content": [CANARY]}]}, "messages[0].content[0]", "invalid_type"),
        ({"stream": CANARY}, "stream", "invalid_type"),
        ({"stream_options": 1}, "stream_options", "invalid_type"),
        ({"max_tokens": -1}, "max_tokens", "invalid_value"),
        ({"max_tokens": 1.5}, "max_tokens", "invalid_type"),
        ({"max_completion_tokens": 10**30}, "max_completion_tokens", "invalid_value"),
        ({"reasoning_effort": CANARY}, "reasoning_effort", "invalid_value"),
        ({"reasoning": {"effort": CANARY}}, "reasoning.effort", "invalid_value"),
        ({"tools": {}}, "tools", "invalid_type"),
        ({"n": 0}, "n", "invalid_value"),
        ({"user": 5}, "user", "invalid_type"),
        ({"user": "x" * 513}, "user", "invalid_value"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, object], param: str, code: str) -> None:
    error = refused(chat(**fields))
    assert (error.param, error.code) == (param, code)
    assert param in error.message
    assert " at " not in error.message


@pytest.mark.parametrize(
    ("operation", "field"),
    [(Operation.CHAT, "messages"), (Operation.COMPLETION, "prompt"), (Operation.EMBEDDINGS, "input")],
)
def test_the_prompt_is_required(operation: Operation, field: str) -> None:
    assert refused(b'{"model": "auto"}', operation).param == field


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
NAMES = """model messages prompt input tools functions response_format stream stream_options max_tokens
max_completion_tokens reasoning_effort reasoning user n role content type text tool_calls include_usage"""
KNOWN = st.sampled_from(NAMES.split())
OBJECTS = st.dictionaries(KNOWN, ANY_JSON, max_size=3)
REQUESTS = st.dictionaries(KNOWN, ANY_JSON | OBJECTS | st.lists(OBJECTS, max_size=2), max_size=5)


def parses_or_refuses(operation: Operation, body: bytes) -> None:
    try:
        parsed = parse(operation, body)
    except InvalidRequest as error:
        assert error.message  # noqa: PT017  # any other error is the failure
    else:
        assert parsed.model
        assert parsed.prompt_tokens >= 0


@given(st.sampled_from(Operation), REQUESTS)
@settings(max_examples=150, deadline=None)
def test_any_json_parses_or_is_refused(operation: Operation, fields: dict[str, object]) -> None:
    parses_or_refuses(operation, json.dumps({"model": "m", **fields}).encode())


@given(st.sampled_from(Operation), st.binary(max_size=64))
@example(Operation.CHAT, b'{"model":"m","messages":[{"role":"u","content":"\\u')
@settings(max_examples=300, deadline=None)
def test_any_bytes_parse_or_are_refused(operation: Operation, body: bytes) -> None:
    parses_or_refuses(operation, body)


@given(st.integers(0, 200), st.binary(min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_any_damage_parses_or_is_refused(at: int, damage: bytes) -> None:
    body = chat(tools=[{"type": "function"}], stream=True, reasoning_effort="low")
    parses_or_refuses(Operation.CHAT, body[:at] + damage + body[at + len(damage) :])
