"""What answers say, however oddly they say it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.quota import Usage
from router_svc.upstream.answer import Malformed, read
from router_svc.upstream.tally import Tally


def chunk(delta: Any = None, finish: Any = None, index: int = 0, **fields: Any) -> bytes:
    return msgspec.json.encode({"choices": [{"index": index, "delta": delta, "finish_reason": finish}], **fields})


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "x"},
        {"content": [{"type": "text", "text": "x"}]},
        {"reasoning_content": "x"},
        {"reasoning": "x"},
        {"tool_calls": [{"index": 0}]},
        {"function_call": {"name": "f"}},
        {"audio": {"data": "AAAA"}},
    ],
)
def test_content(delta: dict[str, Any]):
    assert read(chunk(delta)).content


@pytest.mark.parametrize(
    "delta",
    [None, {}, {"role": "assistant"}, {"content": ""}, {"content": None}, {"tool_calls": []}, {"tool_calls": None}],
)
def test_no_content(delta: Any):
    part = read(chunk(delta))
    assert not part.content
    assert part.choices == (0,)


@pytest.mark.parametrize(("delta", "finish"), [({"refusal": "no"}, None), ({}, "content_filter")])
def test_refusals(delta: dict[str, Any], finish: str | None):
    assert read(chunk(delta, finish)).refused


@pytest.mark.parametrize("data", [b"5", b"[]", b'"x"', b'{"choices":7}', b'{"choices":[{"index":"a"}]}', b"{}"])
def test_an_unknown_shape_says_nothing(data: bytes):
    part = read(data)
    assert not part.content
    assert part.error is None
    assert part.usage is None


@pytest.mark.parametrize("data", [b"", b"{", b"oops", b"\xff", b'{"x":' + b"[" * 100_000])
def test_what_is_not_json_is_malformed(data: bytes):
    with pytest.raises(Malformed):
        read(data)


@pytest.mark.parametrize(("error", "found"), [(None, False), ({}, False), ("x", True), ({"code": 1}, True)])
def test_errors(error: Any, found: bool):
    assert (read(msgspec.json.encode({"error": error})).error is not None) is found


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ({}, None),
        ("many", None),
        ({"prompt_tokens": -1, "completion_tokens": 2}, None),
        ({"prompt_tokens": True}, None),
        ({"prompt_tokens": 10**15, "completion_tokens": 1}, None),
        ({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}, Usage(3, 0, 2)),
        ({"prompt_tokens": 3, "total_tokens": 5}, Usage(3, 0, 2)),
        ({"prompt_tokens": 3, "total_tokens": 3}, Usage(3)),
        ({"prompt_tokens": 3, "completion_tokens": "many"}, Usage(3)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            Usage(9, 4, 7, 5),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 7, "prompt_cache_hit_tokens": 6}, Usage(9, 6, 7)),
        ({"prompt_tokens": 9, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 99}}, Usage(9, 9, 7)),
        ({"prompt_tokens": 9, "completion_tokens": 7, "prompt_tokens_details": "odd"}, Usage(9, 0, 7)),
    ],
)
def test_usage(usage: Any, expected: Usage | None):
    assert read(msgspec.json.encode({"choices": [], "usage": usage})).usage == expected


def tally(*chunks: bytes) -> Tally:
    made = Tally(prompt_tokens=5)
    for data in chunks:
        made.add(read(data))
    return made


def test_an_answer_is_complete_when_every_choice_has_ended():
    begun = [chunk({"content": "a"}, index=0), chunk({"content": "b"}, index=1)]
    assert not tally().complete
    assert not tally(*begun, chunk({}, "stop", 0)).complete
    assert tally(*begun, chunk({}, "stop", 0), chunk({}, "length", 1)).complete


def test_the_last_report_of_usage_counts():
    reports = [chunk({"content": "a"}, usage={"prompt_tokens": 3, "completion_tokens": count}) for count in (1, 2)]
    assert tally(*reports, chunk({"content": "a"})).usage == Usage(3, 0, 2)


@given(st.lists(st.text()))
def test_unreported_usage_does_not_depend_on_how_a_text_is_cut(pieces: list[str]):
    cut = tally(*(chunk({"content": piece}) for piece in pieces)).usage
    whole = tally(chunk({"content": "".join(pieces)})).usage
    assert cut.estimated
    assert abs(cut.completion_tokens - whole.completion_tokens) <= 1
