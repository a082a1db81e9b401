"""Events come out the same, however the bytes were cut on their way."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router_svc.sse import Event
from router_svc.upstream.sse import EventParser, EventTooLarge

PIECES = st.sampled_from(
    [b"data: x", b"data:y", b"data: \xe4\xbd\xa0", b": note", b"event: error", b"id: 7", b"data", b"", b"junk", b" "]
)
LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    lines = draw(st.lists(st.tuples(PIECES, LINE_ENDS), max_size=30))
    return b"".join(line + end for line, end in lines)


def parse(*chunks: bytes) -> list[Event]:
    parser = EventParser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events + parser.finish()


@given(streams(), st.lists(st.integers(0, 400), max_size=12))
def test_chunk_boundaries_do_not_matter(stream: bytes, cuts: list[int]):
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[start:end] for start, end in itertools.pairwise(edges)]
    assert parse(*chunks) == parse(stream)


@given(streams())
def test_every_byte_alone_gives_the_same(stream: bytes):
    assert parse(*(bytes([byte]) for byte in stream)) == parse(stream)


@given(st.lists(st.binary(min_size=1).filter(lambda data: b"\n" not in data and b"\r" not in data)))
def test_data_is_kept_byte_for_byte(payloads: list[bytes]):
    raw = [b"data: " + data + b"\n\n" for data in payloads]
    assert [event.data for event in parse(b"".join(raw))] == payloads
    assert [event.raw for event in parse(b"".join(raw))] == raw


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_all_line_endings_end_lines(end: bytes):
    stream = end.join([b"event: error", b"data: one", b"data:two", b"", b": comment", b"", b"data: three", b"", b""])
    assert [(event.name, event.data) for event in parse(stream)] == [
        (b"error", b"one\ntwo"),
        (b"", b""),
        (b"", b"three"),
    ]


def test_events_come_as_soon_as_their_blank_line():
    parser = EventParser()
    assert parser.feed(b"data: a\n") == []
    assert [event.data for event in parser.feed(b"\ndata: b")] == [b"a"]
    assert [event.data for event in parser.feed(b"\n\n")] == [b"b"]
    assert parser.finish() == []


def test_a_crlf_cut_in_the_middle_is_one_line_end():
    parser = EventParser()
    assert [event.raw for event in parser.feed(b"data: a\r\n\r")] == [b"data: a\n\n"]
    assert [event.raw for event in parser.feed(b"\ndata: b\r\n\r\n")] == [b"data: b\n\n"]


def test_the_last_event_needs_no_blank_line():
    assert [event.data for event in parse(b"data: a\n\ndata: [DONE]\n")] == [b"a", b"[DONE]"]


def test_a_byte_order_mark_is_allowed_at_the_start():
    assert [event.data for event in parse(b"\xef\xbb\xbfdata: a\n\n")] == [b"a"]


@pytest.mark.parametrize(
    "chunks", [[b"data: " + b"x" * 200], [b"data: "] + [b"x" * 10] * 20, [b"data: " + b"x" * 200 + b"\n\n"]]
)
def test_an_endless_event_is_an_error(chunks: list[bytes]):
    parser = EventParser(max_event_bytes=100)
    with pytest.raises(EventTooLarge):
        list(map(parser.feed, chunks))
