"""The unmodified openai SDK, sync and async, as an application uses it."""

import asyncio
import json
from collections.abc import AsyncIterator

import msgspec
import openai
import pytest

from pointsman.core.errors import QuotaExceeded, UnknownModel
from pointsman.core.request import Effort, Operation
from router_svc.exchange import Answer, Incoming
from router_svc.openai import explain
from router_svc.openai.models import ModelEntry
from router_svc.openai.parse import parse
from tests.support.pipeline import DONE, FACTS, Events, FakePipeline, chunk, completion
from tests.support.serving import Serving, serve

USER = [{"role": "user", "content": "hi"}]
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}


async def reply(incoming: Incoming) -> Answer:
    """What a model server would say, by what was asked."""
    asked = json.loads(incoming.body)
    if incoming.operation is Operation.EMBEDDINGS:
        vectors = [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        body = {"object": "list", "data": vectors, "model": "m", "usage": usage}
        return Answer(body=msgspec.json.encode(body), headers=FACTS)
    if incoming.operation is Operation.COMPLETION:
        choice = {"index": 0, "text": "there", "finish_reason": "stop", "logprobs": None}
        body = {"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}
        return Answer(body=msgspec.json.encode(body), headers=FACTS)
    if asked["model"] == "gone":
        return Answer(error=UnknownModel("There is no such model. Available models: auto.", param="model"))
    if asked["model"] == "spent":
        return Answer(error=QuotaExceeded("quota 'free-5h' is spent", retry_after=60))
    if asked.get("stream"):
        return Answer(events=Events(chunk("one "), chunk("two"), DONE), headers=FACTS)
    if asked.get("tools"):
        return Answer(body=completion("", tool_calls=[CALL]), headers=FACTS)
    return Answer(body=completion("hello"), headers=FACTS)


@pytest.fixture
async def serving() -> AsyncIterator[Serving]:
    models = [ModelEntry(id="auto"), ModelEntry(id="Qwen/Qwen3-32B", owned_by="ai")]
    async with serve(FakePipeline(reply, models=models)) as started:
        yield started


def sdk(serving: Serving) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=serving.url + "/v1", api_key="pm-x", max_retries=0)


@pytest.fixture
async def client(serving: Serving) -> AsyncIterator[openai.AsyncOpenAI]:
    async with sdk(serving) as started:
        yield started


async def test_a_chat(client: openai.AsyncOpenAI, serving: Serving) -> None:
    answer = await client.chat.completions.with_raw_response.create(
        model="auto", messages=USER, reasoning_effort="high", extra_body={"top_k": 5}, extra_headers={"x-team": "a"}
    )
    assert answer.headers["x-pointsman-model"] == "Qwen/Qwen3-32B"
    assert answer.parse().choices[0].message.content == "hello"
    asked = serving.pipeline.asked[0]  # type: ignore[attr-defined]
    assert asked.headers["authorization"] == "Bearer pm-x"
    body = parse(asked.operation, asked.body)
    assert body.effort is Effort.HIGH
    assert bytes(body.fields["top_k"]) == b"5"


async def test_a_stream(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model="auto", messages=USER, stream=True)
    assert "".join([part.choices[0].delta.content or "" async for part in stream]) == "one two"


async def test_a_tool_call(client: openai.AsyncOpenAI, serving: Serving) -> None:
    answer = await client.chat.completions.create(model="auto", messages=USER, tools=TOOLS)
    calls = answer.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].function.name == "weather"
    again = [*USER, answer.choices[0].message, {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}]
    await client.chat.completions.create(model="auto", messages=again, tools=TOOLS)
    asked = serving.pipeline.asked[-1]  # type: ignore[attr-defined]
    body = parse(asked.operation, asked.body)
    assert body.tools
    assert [turn.role for turn in body.turns] == ["user", "assistant", "tool"]


async def test_embeddings_and_completions(client: openai.AsyncOpenAI) -> None:
    vectors = await client.embeddings.create(model="embed", input=["a"], encoding_format="float")
    assert vectors.data[0].embedding == [0.5, 0.25]
    text = await client.completions.create(model="auto", prompt="hello")
    assert text.choices[0].text == "there"


async def test_models(client: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["auto", "Qwen/Qwen3-32B"]
    assert (await client.models.retrieve("Qwen/Qwen3-32B")).owned_by == "ai"
    with pytest.raises(openai.NotFoundError, match="available: auto, Qwen/Qwen3-32B"):
        await client.models.retrieve("gone")


async def test_errors_are_the_sdks_own(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        await client.chat.completions.create(model="gone", messages=USER)
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.RateLimitError) as spent:
        await client.chat.completions.create(model="spent", messages=USER)
    assert spent.value.code == "quota_exceeded"
    assert spent.value.response.headers["retry-after"] == "60"
    with pytest.raises(openai.APIStatusError, match="chat/completions") as unsupported:
        await client.responses.create(model="auto", input="hi")
    assert unsupported.value.status_code == 501


async def test_the_sync_sdk(serving: Serving) -> None:
    def use() -> tuple[str | None, str]:
        with openai.OpenAI(base_url=serving.url + "/v1", api_key="x", max_retries=0) as client:
            answer = client.chat.completions.create(model="auto", messages=USER)
            stream = client.chat.completions.create(model="auto", messages=USER, stream=True)
            return answer.choices[0].message.content, "".join(part.choices[0].delta.content or "" for part in stream)

    assert await asyncio.to_thread(use) == ("hello", "one two")


async def test_a_plan_in_a_stream_disturbs_nobody() -> None:
    pipeline = FakePipeline(Answer())

    async def explained(_: Incoming) -> Answer:
        return Answer(events=explain.in_stream(Events(chunk("one"), DONE), Operation.CHAT, pipeline.explanation))

    pipeline.reply = explained
    async with serve(pipeline) as serving, sdk(serving) as client:
        stream = await client.chat.completions.create(model="auto", messages=USER, stream=True)
        parts = [part async for part in stream]
    assert [bool(part.choices) for part in parts] == [True, False]
    assert (parts[1].model_extra or {})["pointsman"]["decision_id"] == "d-1"


async def test_an_error_in_a_stream_reaches_the_application() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield chunk("one")
        raise ValueError

    async def reply(_: Incoming) -> Answer:
        return Answer(events=broken())

    async with serve(FakePipeline(reply)) as serving, sdk(serving) as client:
        stream = await client.chat.completions.create(model="auto", messages=USER, stream=True)
        with pytest.raises(openai.APIError, match="failed to answer"):
            [part async for part in stream]
