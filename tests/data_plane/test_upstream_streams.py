"""Streams: what is passed on, what is taken out, and how each of them ends."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from pointsman_faults import kinds
from pointsman_faults.received import Outcome
from pointsman_faults.script import Rule, UsageReport
from pointsman_faults.server import FaultServer, serve

from pointsman.core.request import Operation
from pointsman.core.snapshot import Timeouts
from router_svc.exchange import Ending, Endpoint, Reply
from router_svc.upstream import Upstream
from tests.support.calls import (
    PROMPT_TOKENS,
    QUICK,
    TRUST,
    Caller,
    calling,
    eventually,
    payload,
    read_all,
    text_of,
)
from tests.support.clock import ManualClock

DONE = b"data: [DONE]\n\n"


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with calling() as made:
        yield made


def ending_of(reply: Reply) -> Ending | None:
    assert reply.stream is not None
    return reply.stream.ending


async def test_a_stream_is_passed_on_to_its_end(caller: Caller):
    reply = await caller.reply(Rule(text="Hello, dear world"), stream=True)
    events = await read_all(reply)
    assert text_of(events) == "Hello, dear world"
    assert events[-1] == DONE
    assert all(event.endswith(b"\n\n") and event.count(b"\n\n") == 1 for event in events)
    assert ending_of(reply) is Ending.CLEAN


async def test_completions_stream_too(caller: Caller):
    sent = payload(stream=True, operation=Operation.COMPLETION, prompt="hello")
    reply = await caller.reply(Rule(text="two words"), sent=sent)
    assert text_of(await read_all(reply)) == "two words"
    assert ending_of(reply) is Ending.CLEAN


async def test_the_first_token_is_timed(caller: Caller):
    reply = await caller.reply(Rule(first_token=0.05), stream=True)
    assert 0.05 <= reply.first_token < 5
    await read_all(reply)


async def test_usage_is_taken_out_for_a_client_that_did_not_ask(caller: Caller):
    reply = await caller.reply(Rule(tokens=5), stream=True)
    events = await read_all(reply)
    assert not any(b'"usage"' in event for event in events)
    assert reply.stream is not None
    assert (reply.stream.usage.completion_tokens, reply.stream.usage.estimated) == (5, False)


async def test_usage_stays_for_a_client_that_asked(caller: Caller):
    reply = await caller.reply(Rule(tokens=5), sent=payload(stream=True, include_usage=True))
    events = await read_all(reply)
    assert msgspec.json.decode(events[-2][6:])["usage"]["completion_tokens"] == 5


async def test_usage_beside_a_finish_reason_stays(caller: Caller):
    reply = await caller.reply(Rule(tokens=5, usage=UsageReport.WITH_LAST), stream=True)
    events = await read_all(reply)
    assert b'"usage"' in events[-2]
    assert reply.stream is not None
    assert reply.stream.usage.completion_tokens == 5


@pytest.mark.parametrize("report", [UsageReport.NEVER, UsageReport.ODD])
async def test_usage_that_is_missing_or_odd_is_estimated_from_the_text(caller: Caller, report: UsageReport):
    reply = await caller.reply(Rule(text="word " * 40, usage=report), stream=True)
    await read_all(reply)
    assert reply.stream is not None
    usage = reply.stream.usage
    assert usage.estimated
    assert usage.prompt_tokens == PROMPT_TOKENS
    assert 20 <= usage.completion_tokens <= 80


async def test_reasoning_and_tool_calls_are_content(caller: Caller):
    thinking = Rule(reasoning="first I think", text="then", fault=kinds.Cut(after_tokens=1))
    reply = await caller.reply(thinking, stream=True)  # cut while thinking: no other model may be asked
    await read_all(reply)
    assert reply.stream is not None
    assert reply.stream.usage.reasoning_tokens > 0
    assert ending_of(reply) is Ending.CUT

    reply = await caller.reply(Rule(tool_call="lookup"), stream=True)
    assert any(b'"lookup"' in event for event in await read_all(reply))
    assert ending_of(reply) is Ending.CLEAN


async def test_an_empty_answer_is_an_answer(caller: Caller):
    reply = await caller.reply(Rule(text=""), stream=True)
    assert (await read_all(reply))[-1] == DONE
    assert ending_of(reply) is Ending.CLEAN


async def test_a_finish_reason_without_done_is_a_clean_end(caller: Caller):
    reply = await caller.reply(Rule(fault=kinds.NoDone()), stream=True)
    assert DONE not in await read_all(reply)
    assert ending_of(reply) is Ending.CLEAN


@pytest.mark.parametrize(
    "fault",
    [
        kinds.Cut(after_tokens=2),
        kinds.Cut(after_tokens=100),
        kinds.Reset(after_tokens=2),
        kinds.Malformed(after_tokens=2),
        kinds.ErrorEvent(after_tokens=2, message="out of memory"),
        kinds.ErrorEvent(after_tokens=2, message="out of memory", named=True),
    ],
    ids=str,
)
async def test_after_the_first_content_a_failure_becomes_an_event(caller: Caller, fault: kinds.AnyFault):
    reply = await caller.reply(Rule(tokens=8, inter_token=0.001, fault=fault), stream=True)
    *before, last = await read_all(reply)
    error = msgspec.json.decode(last.removeprefix(b"data: "))["error"]
    assert error["type"] == "server_error"
    if isinstance(fault, kinds.ErrorEvent):
        assert error["message"] == "out of memory"
    assert DONE not in before
    assert all(b'"error"' not in event for event in before)
    assert ending_of(reply) is Ending.CUT
    assert reply.stream is not None
    assert reply.stream.usage.estimated
    assert reply.stream.usage.completion_tokens > 0


async def test_time_may_run_out_in_the_middle(caller: Caller):
    rule = Rule(tokens=8, fault=kinds.Hang(after_tokens=2))
    reply = await caller.reply(rule, stream=True, timeouts=Timeouts(first_token=5.0, total=0.1))
    *_, last = await read_all(reply)
    assert msgspec.json.decode(last[6:])["error"]["code"] == "upstream_timeout"
    assert ending_of(reply) is Ending.TIMEOUT
    await eventually(lambda: caller.server.requests[-1].outcome is Outcome.CANCELLED)


def said_of_endpoint(reply: Reply) -> bool | None:
    assert reply.stream is not None
    return reply.stream.endpoint_ok


@pytest.mark.parametrize(
    ("fault", "ok"),
    [
        (None, True),
        (kinds.NoDone(), True),
        (kinds.Cut(after_tokens=2), False),
        (kinds.Reset(after_tokens=2), False),
        (kinds.Malformed(after_tokens=2), False),
        (kinds.ErrorEvent(after_tokens=2, message="out of memory"), False),
        (kinds.ErrorEvent(after_tokens=2, code="context_length_exceeded"), None),
        (kinds.ErrorEvent(after_tokens=2, code=400), None),
        (kinds.ErrorEvent(after_tokens=2, code=429), None),
        (kinds.Hang(after_tokens=2), None),
    ],
    ids=str,
)
async def test_the_end_says_whether_the_endpoint_is_well(caller: Caller, fault: kinds.AnyFault | None, ok: bool | None):
    rule = Rule(tokens=8, inter_token=0.001, fault=fault)
    reply = await caller.reply(rule, stream=True, timeouts=Timeouts(first_token=5.0, total=0.3))
    await read_all(reply)
    assert said_of_endpoint(reply) is ok


async def test_a_client_that_leaves_says_nothing_of_the_endpoint(caller: Caller):
    reply = await caller.reply(Rule(tokens=1000, inter_token=0.01), stream=True)
    assert reply.stream is not None
    await reply.stream.aclose()
    assert said_of_endpoint(reply) is None


@pytest.mark.parametrize(("pause", "ok"), [(0.1, False), (6.0, None)])
async def test_a_cut_after_a_long_pause_of_the_client_is_not_the_endpoints_fault(pause: float, ok: bool | None):
    clock = ManualClock()
    async with serve(FaultServer()) as server, Upstream(lambda ip: None, tls=TRUST, clock=clock) as upstream:
        server.play(Rule(tokens=8, inter_token=0.001, fault=kinds.Cut(after_tokens=4)))
        endpoint, sent = Endpoint("127.0.0.1", server.port), payload(stream=True)
        reply = await upstream.call(endpoint, sent, QUICK, clock.now + 60.0, None)
        assert isinstance(reply, Reply)
        clock.now += pause
        await read_all(reply)
        assert said_of_endpoint(reply) is ok


async def test_to_give_up_cancels_the_model_server_s_work(caller: Caller):
    reply = await caller.reply(Rule(tokens=1000, inter_token=0.01), stream=True)
    assert reply.stream is not None
    async for _ in reply.stream:
        break
    await reply.stream.aclose()
    assert ending_of(reply) is Ending.CANCELLED
    await eventually(lambda: caller.server.requests[-1].outcome is Outcome.CANCELLED)
    assert reply.stream.usage.completion_tokens >= 1


async def test_a_stream_that_nobody_reads_can_be_given_up(caller: Caller):
    reply = await caller.reply(Rule(tokens=1000, inter_token=0.01), stream=True)
    assert reply.stream is not None
    await reply.stream.aclose()
    await reply.stream.aclose()
    await eventually(lambda: caller.server.requests[-1].outcome is Outcome.CANCELLED)
    assert ending_of(reply) is Ending.CANCELLED


async def test_to_close_after_the_end_changes_nothing(caller: Caller):
    reply = await caller.reply(stream=True)
    await read_all(reply)
    assert reply.stream is not None
    await reply.stream.aclose()
    assert ending_of(reply) is Ending.CLEAN
