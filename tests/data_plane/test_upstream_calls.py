"""Each way in which an attempt fails, over real HTTP, for answers in one piece and for streams."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from pointsman_faults import kinds
from pointsman_faults.kinds import Dialect
from pointsman_faults.script import Rule, UsageReport

from pointsman.core.quota import Usage
from pointsman.core.request import Operation
from pointsman.core.resources.policy import Trigger
from pointsman.core.snapshot import Timeouts
from tests.support.calls import PROMPT_TOKENS, Caller, calling, payload

IMPATIENT = Timeouts(connect=1.0, first_token=0.05, total=0.05)

both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with calling() as made:
        yield made


@both_ways
@pytest.mark.parametrize(
    ("fault", "trigger", "endpoint_fault"),
    [
        (kinds.RateLimit(), Trigger.RATE_LIMITED, False),
        (kinds.InsufficientQuota(), Trigger.QUOTA_EXHAUSTED, False),
        (kinds.Overloaded(), Trigger.OVERLOADED, True),
        (kinds.Status(status=500), Trigger.SERVER_ERROR, True),
        (kinds.Status(status=504), Trigger.TIMEOUT, True),
        (kinds.Status(status=401), Trigger.SERVER_ERROR, False),
        (kinds.Status(status=307), Trigger.SERVER_ERROR, False),
        (kinds.Status(status=400), None, False),
        *((kinds.ContextLength(dialect=dialect), Trigger.CONTEXT_LENGTH, False) for dialect in Dialect),
        (kinds.Refusal(), Trigger.REFUSAL, False),
        (kinds.Refusal(structured=True), Trigger.REFUSAL, False),
        (kinds.Cut(after_tokens=0), Trigger.SERVER_ERROR, True),
        (kinds.Reset(), Trigger.SERVER_ERROR, True),
        (kinds.Reset(after_tokens=0), Trigger.SERVER_ERROR, True),
        (kinds.Malformed(), Trigger.SERVER_ERROR, True),
        (kinds.ErrorEvent(), Trigger.SERVER_ERROR, True),
        (kinds.ErrorEvent(named=True), Trigger.SERVER_ERROR, True),
        (kinds.ErrorEvent(code=429), Trigger.RATE_LIMITED, False),
        (kinds.ErrorEvent(code="insufficient_quota"), Trigger.QUOTA_EXHAUSTED, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, kinds.Fault) else None,
)
async def test_trigger(caller: Caller, stream: bool, fault: kinds.AnyFault, trigger: Trigger, endpoint_fault: bool):
    failure = await caller.fail(Rule(fault=fault), stream=stream)
    assert (failure.trigger, failure.endpoint_fault) == (trigger, endpoint_fault)
    assert (failure.usage == Usage()) is not isinstance(fault, kinds.Refusal)


@both_ways
async def test_a_wait_that_the_backend_asks_for_is_kept(caller: Caller, stream: bool):
    failure = await caller.fail(Rule(fault=kinds.RateLimit(retry_after=12)), stream=stream)
    assert failure.retry_after == 12


@both_ways
@pytest.mark.parametrize(
    "rule", [Rule(fault=kinds.Hang()), Rule(fault=kinds.Hang(after_tokens=0)), Rule(first_token=30)], ids=str
)
async def test_a_silent_server_times_out(caller: Caller, stream: bool, rule: Rule):
    failure = await caller.fail(rule, stream=stream, timeouts=IMPATIENT)
    assert failure.trigger is Trigger.TIMEOUT
    assert failure.endpoint_fault


async def test_only_streams_have_a_first_token_timeout(caller: Caller):
    slow = Rule(first_token=0.1)
    patient_in_all = Timeouts(first_token=0.02, total=10.0)
    assert (await caller.fail(slow, stream=True, timeouts=patient_in_all)).trigger is Trigger.TIMEOUT
    assert (await caller.reply(slow, timeouts=patient_in_all)).first_token >= 0.1


async def test_an_attempt_with_little_time_left_says_nothing_of_the_endpoint(caller: Caller):
    caller.server.play(Rule(fault=kinds.Hang()))
    sent = payload(stream=True)
    for left in (0.03, 0.0, -1.0):
        deadline = caller.clock() + left
        failure = await caller.upstream.call(caller.endpoint, sent, Timeouts(first_token=5.0), deadline, None)
        assert failure.trigger is Trigger.TIMEOUT
        assert not failure.endpoint_fault


async def test_a_refusal_carries_the_whole_answer_and_what_it_cost(caller: Caller):
    whole = await caller.fail(Rule(fault=kinds.Refusal(structured=True)))
    assert whole.status == 200
    assert whole.body is not None
    assert msgspec.json.decode(whole.body)["choices"][0]["message"]["refusal"]
    assert whole.usage.completion_tokens > 0

    streamed = await caller.fail(Rule(fault=kinds.Refusal(structured=True)), stream=True)
    assert streamed.status == 200
    assert streamed.body is not None
    assert streamed.body.endswith(b"data: [DONE]\n\n")
    assert b'"refusal"' in streamed.body
    assert b'"usage"' not in streamed.body
    assert streamed.usage.completion_tokens > 0


async def test_a_server_that_does_not_stream_is_no_stream(caller: Caller):
    caller.server.play(Rule())
    whole = payload()
    sent = msgspec.structs.replace(whole, stream=True)  # asked for as a whole, expected as a stream
    assert (await caller.fail(sent=sent)).trigger is Trigger.SERVER_ERROR
    streamed = msgspec.structs.replace(payload(stream=True), stream=False)
    assert (await caller.fail(sent=streamed)).trigger is Trigger.SERVER_ERROR


async def test_an_answer_comes_as_it_was_sent(caller: Caller):
    reply = await caller.reply(Rule(text="Grüße 你好"))
    assert reply.body is not None
    assert msgspec.json.decode(reply.body)["choices"][0]["message"]["content"] == "Grüße 你好"
    assert not reply.usage.estimated
    assert reply.usage.completion_tokens == 2
    assert reply.first_token > 0


@pytest.mark.parametrize("report", [UsageReport.NEVER, UsageReport.ODD])
async def test_usage_that_is_missing_or_odd_is_estimated(caller: Caller, report: UsageReport):
    reply = await caller.reply(Rule(text="word " * 40, usage=report))
    assert reply.usage.estimated
    assert reply.usage.prompt_tokens == PROMPT_TOKENS
    assert 20 <= reply.usage.completion_tokens <= 80


async def test_embeddings(caller: Caller):
    sent = payload(operation=Operation.EMBEDDINGS, input=["one text", "another"])
    reply = await caller.reply(Rule(), sent=sent)
    assert reply.body is not None
    assert len(msgspec.json.decode(reply.body)["data"]) == 2
    assert reply.usage == Usage(prompt_tokens=3)


async def test_completions(caller: Caller):
    reply = await caller.reply(Rule(text="two words"), sent=payload(operation=Operation.COMPLETION, prompt="hello"))
    assert reply.body is not None
    assert msgspec.json.decode(reply.body)["choices"][0]["text"] == "two words"


async def test_a_tool_call_is_an_answer(caller: Caller):
    reply = await caller.reply(Rule(tool_call="lookup", usage=UsageReport.NEVER))
    assert reply.usage.completion_tokens > 0


async def test_nothing_private_is_in_a_message(caller: Caller):
    canary = "canary-91ab"
    faults = [
        kinds.Status(status=status, message=f"you said {canary}", code=f"the code is {canary}")
        for status in (400, 401, 404, 413, 429, 500, 503)
    ]
    for fault in (*faults, kinds.ErrorEvent(message=canary), kinds.Status(status=500, body=canary)):
        for stream in (False, True):
            failure = await caller.fail(Rule(fault=fault), stream=stream)
            assert canary not in failure.message
