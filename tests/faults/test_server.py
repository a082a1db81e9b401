"""The fault server over HTTP: it answers as a model server does, fails as it is told, and says what it received."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from pointsman_faults import kinds
from pointsman_faults.script import Rule, UsageReport
from pointsman_faults.server import FaultServer, serve

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


class Client:
    def __init__(self, server: FaultServer, session: aiohttp.ClientSession) -> None:
        self.server = server
        self.session = session

    async def post(self, path: str = "/v1/chat/completions", **body: Any) -> tuple[int, str]:
        async with self.session.post(path, json={**CHAT, **body}) as response:
            return response.status, await response.text()

    async def json(self, path: str = "/v1/chat/completions", **body: Any) -> dict[str, Any]:
        status, text = await self.post(path, **body)
        assert status == 200
        return json.loads(text)

    async def stream(self, **body: Any) -> list[str]:
        status, text = await self.post(stream=True, **body)
        assert status == 200
        return [event.removeprefix("data: ") for event in text.split("\n\n") if event]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with serve(FaultServer("small")) as server, aiohttp.ClientSession(server.url) as session:
        yield Client(server, session)


async def test_chat(client: Client):
    answer = await client.json()
    assert "small" in answer["choices"][0]["message"]["content"]
    assert answer["usage"]["completion_tokens"] > 0


async def test_a_stream_says_the_same_as_a_whole_answer(client: Client):
    *chunks, done = await client.stream()
    assert done == "[DONE]"
    text = "".join(json.loads(chunk)["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert text == (await client.json())["choices"][0]["message"]["content"]


async def test_completions_and_embeddings(client: Client):
    assert (await client.json("/v1/completions", prompt="x"))["choices"][0]["text"]
    both = (await client.json("/v1/embeddings", input=["one", "two"]))["data"]
    assert [len(each["embedding"]) for each in both] == [8, 8]
    assert both[0]["embedding"] != both[1]["embedding"]
    assert both == (await client.json("/v1/embeddings", input=["one", "two"]))["data"]


async def test_models_and_health(client: Client):
    async with client.session.get("/v1/models") as response:
        assert [model["id"] for model in (await response.json())["data"]] == ["small"]
    async with client.session.get("/health") as response:
        assert response.status == 200
    client.server.play(healthy=False)
    async with client.session.get("/health") as response:
        assert response.status == 503


@pytest.mark.parametrize(
    ("report", "options", "expected"),
    [
        (UsageReport.ASKED, None, 0),
        (UsageReport.ASKED, {"include_usage": True}, 1),
        (UsageReport.ALWAYS, None, 1),
        (UsageReport.NEVER, {"include_usage": True}, 0),
        (UsageReport.ODD, None, 1),
        (UsageReport.WITH_LAST, None, 1),
    ],
)
async def test_usage_is_reported_as_scripted(client: Client, report: UsageReport, options: Any, expected: int):
    client.server.play(Rule(usage=report))
    events = await client.stream(stream_options=options)
    assert sum('"usage"' in event for event in events) == expected


async def test_an_answer_may_have_any_length_and_text(client: Client):
    client.server.play(Rule(tokens=3, text="one"))
    assert (await client.json())["choices"][0]["message"]["content"] == "oneoneone"
    client.server.play(Rule(text=""))
    assert (await client.json())["choices"][0]["message"]["content"] is None


async def test_errors(client: Client):
    client.server.play(Rule(fault=kinds.Status(status=418, code="teapot", retry_after=2)))
    async with client.session.post("/v1/chat/completions", json=CHAT) as response:
        assert (response.status, response.headers["Retry-After"]) == (418, "2")
        assert (await response.json())["error"]["code"] == "teapot"
    client.server.play(Rule(fault=kinds.Status(status=502, body="<html>")))
    assert await client.post() == (502, "<html>")
    client.server.play()
    assert (await client.post("/v1/nothing"))[0] == 404
    async with client.session.post("/v1/chat/completions", data=b"not json") as response:
        assert response.status == 400


async def test_cuts_and_resets(client: Client):
    client.server.play(Rule(tokens=9, fault=kinds.Cut(after_tokens=2)))
    assert len(await client.stream()) == 3  # role and two tokens
    for fault in (kinds.Reset(), kinds.Reset(after_tokens=1)):
        client.server.play(Rule(fault=fault))
        with pytest.raises(aiohttp.ClientError):
            await client.stream()
    client.server.play(Rule(fault=kinds.Cut()))
    with pytest.raises(aiohttp.ClientError):
        await client.post()


async def test_it_is_scripted_over_http(client: Client):
    script = {"rules": [{"times": 1, "fault": {"type": "Overloaded"}}]}
    async with client.session.put("/faults", json=script) as response:
        assert response.status == 200
        assert await response.json() == script
    async with client.session.get("/faults") as response:
        assert await response.json() == script
    assert [(await client.post())[0] for _ in range(2)] == [503, 200]
    async with client.session.put("/faults", json={"rules": [{"fault": {"type": "Nope"}}]}) as response:
        assert response.status == 400
        assert "$.rules[0].fault" in (await response.json())["error"]["message"]
    async with client.session.delete("/faults") as response:
        assert response.status == 204
    async with client.session.get("/faults") as response:
        assert await response.json() == {}


async def test_what_was_received_is_shown_without_private_text(client: Client):
    headers = {"Authorization": "Bearer secret", "traceparent": "00-1-2-01"}
    async with client.session.post("/v1/chat/completions", json=CHAT, headers=headers) as response:
        await response.read()
    async with client.session.get("/requests") as response:
        text = await response.text()
    (shown,) = json.loads(text)
    assert (shown["path"], shown["model"], shown["outcome"]) == ("/v1/chat/completions", "m", "Answered")
    assert shown["headers"]["traceparent"] == "00-1-2-01"
    assert shown["body_bytes"] > 0
    assert "hello" not in text
    assert "secret" not in text
    async with client.session.delete("/requests"):
        assert not client.server.requests


async def test_bodies_are_kept_when_asked():
    async with serve(FaultServer(keep_bodies=True)) as server, aiohttp.ClientSession(server.url) as session:
        async with session.post("/v1/chat/completions", json=CHAT) as response:
            await response.read()
        assert json.loads(server.requests[0].body or "") == CHAT
