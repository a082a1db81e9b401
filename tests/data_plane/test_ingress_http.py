"""The HTTP API over real sockets: shapes of errors, limits, streams, and clients that leave."""

import asyncio
import gzip
import json
import logging
import zlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from pointsman.core.errors import Overloaded, QuotaExceeded, UpstreamFailed
from pointsman.core.request import Operation
from pointsman.runtime.drain import Phase
from router_svc.exchange import Answer, Incoming
from router_svc.ingress import http_answer
from router_svc.ingress.health import Dependency, DependencyState
from router_svc.ingress.http_body import MAX_BODY_BYTES
from router_svc.limits import Gate
from router_svc.openai.models import ModelEntry
from tests.support.pipeline import DONE, FACTS, Events, FakePipeline, chunk, completion
from tests.support.serving import HOST, Serving, serve

CHAT = "/v1/chat/completions"
CANARY = "sw0rdfish"
BODY = json.dumps({"model": "auto", "messages": [{"role": "user", "content": CANARY}]}).encode()
ANSWER = Answer(body=completion("hi"), headers=FACTS)


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def shaped(response: aiohttp.ClientResponse, status: int, code: str) -> dict[str, object]:
    """Check that this is an error in OpenAI's shape; returns it."""
    body = await response.json()
    assert (response.status, body["error"]["code"]) == (status, code)
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert CANARY not in json.dumps(body)
    return dict(body["error"])


async def raw(port: int, request: bytes, then: bytes = b"") -> bytes:
    """What the server says to these bytes, until it closes the connection."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(request)
    if then:
        await writer.drain()
        writer.write(then)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        (CHAT, Operation.CHAT),
        ("/v1/completions", Operation.COMPLETION),
        ("/v1/embeddings", Operation.EMBEDDINGS),
    ],
)
async def test_a_request_reaches_the_pipeline_as_it_came(
    client: aiohttp.ClientSession, path: str, operation: Operation
) -> None:
    pipeline = FakePipeline(ANSWER)
    async with serve(pipeline) as serving:
        headers = {
            "Authorization": "Bearer k",
            "X-Team": "a",
            "TraceParent": "00-1",
            "Content-Type": "application/json",
        }
        async with client.post(serving.url + path, data=BODY, headers=headers) as response:
            assert await response.read() == ANSWER.body
            assert response.content_type == "application/json"
            for name, value in FACTS.items():
                assert response.headers[name] == value
    asked = pipeline.asked[0]
    assert (asked.operation, asked.body) == (operation, BODY)
    assert asked.headers["authorization"] == "Bearer k"
    assert asked.headers["x-team"] == "a"
    assert asked.headers["traceparent"] == "00-1"
    assert not {"host", "content-length", "connection"} & asked.headers.keys()


async def test_repeated_headers_are_joined() -> None:
    pipeline = FakePipeline(ANSWER)
    async with serve(pipeline) as serving:
        head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nx-a: 1\r\nX-A: 2\r\nconnection: close\r\ncontent-length: 2\r\n\r\n"
        await raw(serving.port, head.encode(), b"{}")
    assert pipeline.asked[0].headers["x-a"] == "1, 2"


async def test_a_model_servers_own_error_passes(client: aiohttp.ClientSession) -> None:
    own = b'{"error": {"message": "too long", "code": "context_length_exceeded"}}'
    async with (
        serve(FakePipeline(Answer(status=400, body=own))) as serving,
        client.post(serving.url + CHAT, data=BODY) as response,
    ):
        assert (response.status, await response.read()) == (400, own)


async def test_errors_have_their_status_and_headers(client: aiohttp.ClientSession) -> None:
    error = QuotaExceeded("spent", retry_after=9.5)
    async with (
        serve(FakePipeline(Answer(error=error, headers=FACTS))) as serving,
        client.post(serving.url + CHAT, data=BODY) as response,
    ):
        assert (await shaped(response, 429, "quota_exceeded"))["type"] == "rate_limit_error"
        assert response.headers["retry-after"] == "10"
        assert response.headers["x-pointsman-decision-id"] == "d-1"


async def test_a_bug_is_a_plain_500_and_logs_no_text(
    client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    async def bug(incoming: Incoming) -> Answer:
        raise ValueError(incoming.body.decode())

    async with serve(FakePipeline(bug)) as serving, client.post(serving.url + CHAT, data=BODY) as response:
        await shaped(response, 500, "internal_error")
    assert "unexpected ValueError at test_ingress_http.py" in caplog.text
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "unknown_url"),
        ("POST", "/v1/audio/speech", 404, "unknown_url"),
        ("GET", "/v1/models/", 404, "unknown_url"),
        ("GET", CHAT, 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
        ("DELETE", "/v1/models/auto", 405, "method_not_allowed"),
        ("POST", "/healthz", 405, "method_not_allowed"),
        ("POST", "/v1/responses", 501, "unsupported"),
        ("GET", "/v1/responses/r-1", 501, "unsupported"),
        ("GET", "/v1/models/gone", 404, "model_not_found"),
    ],
)
async def test_what_is_not_there(client: aiohttp.ClientSession, method: str, path: str, status: int, code: str) -> None:
    async with serve(FakePipeline(ANSWER)) as serving, client.request(method, serving.url + path) as response:
        await shaped(response, status, code)
        if status == 405:
            assert "OPTIONS" in response.headers["allow"]


async def test_head_and_options(client: aiohttp.ClientSession) -> None:
    async with serve(FakePipeline(ANSWER)) as serving:
        async with client.head(serving.url + "/v1/models") as response:
            assert response.status == 200
            assert int(response.headers["content-length"]) > 0
        async with client.options(serving.url + CHAT) as response:
            assert response.status == 204
            assert response.headers["allow"] == "POST, OPTIONS"


async def test_models(client: aiohttp.ClientSession) -> None:
    entries = [ModelEntry(id="auto"), ModelEntry(id="Qwen/Qwen3-32B", owned_by="ai")]
    async with serve(FakePipeline(ANSWER, models=entries, key="k")) as serving:
        async with client.get(serving.url + "/v1/models") as response:
            await shaped(response, 401, "invalid_api_key")
            assert response.headers["www-authenticate"] == "Bearer"
        known = {"authorization": "Bearer k"}
        async with client.get(serving.url + "/v1/models", headers=known) as response:
            assert [model["id"] for model in (await response.json())["data"]] == ["auto", "Qwen/Qwen3-32B"]
        for spelling in ("Qwen/Qwen3-32B", "Qwen%2FQwen3-32B"):
            answer = await raw(
                serving.port,
                f"GET /v1/models/{spelling} HTTP/1.0\r\nauthorization: Bearer k\r\n\r\n".encode(),
            )
            assert b'"id":"Qwen/Qwen3-32B"' in answer


async def test_health(client: aiohttp.ClientSession) -> None:
    async with serve(FakePipeline(ANSWER)) as serving:

        async def ready() -> tuple[int, dict[str, object]]:
            async with client.get(serving.url + "/readyz") as response:
                return response.status, await response.json()

        assert (await ready())[0] == 200
        serving.dependencies["classifier"] = Dependency(DependencyState.LOST, "routes are chosen by rules only")
        status, said = await ready()
        assert (status, said["ready"]) == (200, True)
        assert said["dependencies"]["classifier"]["state"] == "Lost"  # type: ignore[index]
        serving.dependencies["snapshot"] = Dependency(DependencyState.LOST, "no snapshot", required=True)
        assert (await ready())[0] == 503
        serving.dependencies.clear()
        for phase in (Phase.STARTING, Phase.DRAINING):
            serving.phase = phase
            status, said = await ready()
            assert (status, said["phase"]) == (503, phase)
        async with client.get(serving.url + "/healthz") as response:
            assert (response.status, await response.json()) == (200, {"status": "ok"})
        async with client.get(serving.url + "/metrics") as response:
            assert await response.read() == b"pointsman_up 1\n"
            assert response.content_type == "text/plain"


async def test_a_body_may_be_as_large_as_the_limit_and_no_larger(client: aiohttp.ClientSession) -> None:
    pipeline = FakePipeline(ANSWER)
    largest = b" " * MAX_BODY_BYTES

    async def in_pieces(data: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(data), 1 << 20):
            yield data[start : start + (1 << 20)]

    async with serve(pipeline) as serving:
        async with client.post(serving.url + CHAT, data=largest) as response:
            assert response.status == 200
        async with client.post(serving.url + CHAT, data=largest + b" ") as response:
            await shaped(response, 413, "request_too_large")
        async with client.post(serving.url + CHAT, data=in_pieces(largest + b" ")) as response:
            await shaped(response, 413, "request_too_large")
        bomb = gzip.compress(largest + b" ", 1)
        async with client.post(serving.url + CHAT, data=bomb, headers={"content-encoding": "gzip"}) as response:
            await shaped(response, 413, "request_too_large")
    assert [len(asked.body) for asked in pipeline.asked] == [MAX_BODY_BYTES]
    assert serving.gate.in_flight == 0


async def test_a_declared_size_over_the_limit_is_refused_before_it_is_sent() -> None:
    async with serve(FakePipeline(ANSWER)) as serving:
        head = (
            f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {MAX_BODY_BYTES + 1}\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection(HOST, serving.port)
        writer.write(head.encode())
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 413")
        writer.close()


async def test_a_client_that_waits_for_leave_to_send_gets_it() -> None:
    async with serve(FakePipeline(ANSWER)) as serving:
        reader, writer = await asyncio.open_connection(HOST, serving.port)
        writer.write(f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n".encode())
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_content_encodings(client: aiohttp.ClientSession) -> None:
    pipeline = FakePipeline(ANSWER)
    async with serve(pipeline) as serving:
        url = serving.url + CHAT
        async with client.post(url, data=gzip.compress(BODY), headers={"content-encoding": "gzip"}) as response:
            assert response.status == 200
        for broken in (BODY, gzip.compress(BODY)[:-1], gzip.compress(BODY) + b"x"):
            async with client.post(url, data=broken, headers={"content-encoding": "gzip"}) as response:
                await shaped(response, 400, "invalid_body")
        async with client.post(url, data=zlib.compress(BODY), headers={"content-encoding": "Deflate"}) as response:
            assert response.status == 200
        for unknown in ("br", "zstd", "x-other"):
            async with client.post(url, data=BODY, headers={"content-encoding": unknown}) as response:
                await shaped(response, 415, "unsupported_encoding")
    assert [asked.body for asked in pipeline.asked] == [BODY, BODY]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"sw0rdfish sw0rdfish sw0rdfish\r\n\r\n",
        b'POST /v1/models HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n{}   {"sw0rdfish": "sw0rdfish\r\n\r\n"}',
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nsw0rdfish\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nsw0rdfish\x00: 1\r\n\r\n",
        b"GET /" + b"sw0rdfish" * 2000 + b" HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_neither_repeated_nor_logged(
    request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serve(FakePipeline(ANSWER)) as serving:
        answer = await raw(serving.port, request_bytes)
    assert b" 400 Bad Request" in answer
    assert b'"error"' in answer
    assert CANARY.encode() not in answer
    assert CANARY not in caplog.text


async def test_events_arrive_one_by_one(client: aiohttp.ClientSession) -> None:
    more = asyncio.Event()

    async def events() -> AsyncIterator[bytes]:
        yield chunk("a")
        await more.wait()
        yield chunk("b")
        yield DONE

    async def reply(_: Incoming) -> Answer:
        return Answer(events=events(), headers=FACTS)

    async with serve(FakePipeline(reply)) as serving, client.post(serving.url + CHAT, data=BODY) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["x-accel-buffering"] == "no"
        assert response.headers["x-pointsman-model"] == "Qwen/Qwen3-32B"
        first = await asyncio.wait_for(response.content.readany(), 5)
        assert first == chunk("a")
        more.set()
        assert await response.content.read() == chunk("b") + DONE
    assert serving.gate.in_flight == 0


async def test_http_1_0_gets_its_stream_too() -> None:
    async with serve(FakePipeline(Answer(events=Events(chunk("a"), DONE)))) as serving:
        answer = await raw(serving.port, f"POST {CHAT} HTTP/1.0\r\ncontent-length: 2\r\n\r\n{{}}".encode())
    assert answer.endswith(b"\r\n\r\n" + chunk("a") + DONE)


async def test_a_stream_that_ends_without_its_marker_is_passed_on_and_closed(client: aiohttp.ClientSession) -> None:
    events = Events(chunk("a"))
    async with (
        serve(FakePipeline(Answer(events=events))) as serving,
        client.post(serving.url + CHAT, data=BODY) as response,
    ):
        assert await response.read() == chunk("a")
    assert events.closed.is_set()


async def test_a_bug_in_a_stream_is_an_error_event(
    client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    async def events() -> AsyncIterator[bytes]:
        yield chunk("a")
        raise ValueError(CANARY)

    async def reply(_: Incoming) -> Answer:
        return Answer(events=events())

    async with serve(FakePipeline(reply)) as serving, client.post(serving.url + CHAT, data=BODY) as response:
        text = await response.text()
    assert text.startswith(chunk("a").decode() + 'data: {"error":')
    assert "[DONE]" not in text
    assert CANARY not in text + caplog.text


async def test_a_client_that_leaves_closes_the_stream_at_once(client: aiohttp.ClientSession) -> None:
    events = Events(chunk("a"), endless=True)
    async with (
        serve(FakePipeline(Answer(events=events))) as serving,
        client.post(serving.url + CHAT, data=BODY) as response,
    ):
        await response.content.readany()
        response.close()
        await asyncio.wait_for(events.closed.wait(), 5)
        assert serving.gate.in_flight == 0


async def test_a_client_that_leaves_before_the_answer_cancels_it() -> None:
    asked, cancelled = asyncio.Event(), asyncio.Event()

    async def reply(_: Incoming) -> Answer:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return ANSWER

    async with serve(FakePipeline(reply)) as serving:
        _, writer = await asyncio.open_connection(HOST, serving.port)
        writer.write(f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}".encode())
        await asyncio.wait_for(asked.wait(), 5)
        writer.close()
        await asyncio.wait_for(cancelled.wait(), 5)


async def slow_reader(serving: Serving) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(HOST, serving.port, limit=1024)
    writer.write(f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}".encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def flood() -> Events:
    return Events(*[chunk("x" * 65536)] * 1000)


async def test_a_slow_reader_stops_the_stream_and_does_not_fill_the_memory() -> None:
    events = flood()
    async with serve(FakePipeline(Answer(events=events))) as serving:
        _, writer = await slow_reader(serving)
        sent = -1
        while sent != events.sent:
            sent = events.sent
            await asyncio.sleep(0.2)
        assert sent < 200  # what the sockets' buffers hold, of 1,000
        writer.close()
        await asyncio.wait_for(events.closed.wait(), 5)


async def test_a_reader_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_answer, "STALL_SECONDS", 0.2)
    events = flood()
    async with serve(FakePipeline(Answer(events=events))) as serving:
        _, writer = await slow_reader(serving)
        await asyncio.wait_for(events.closed.wait(), 5)
        writer.close()
    assert serving.gate.in_flight == 0


async def test_a_full_router_says_so(client: aiohttp.ClientSession) -> None:
    events = Events(chunk("a"), endless=True)
    async with serve(FakePipeline(Answer(events=events)), Gate(1, 0, 5.0)) as serving:
        async with client.post(serving.url + CHAT, data=BODY) as first:
            await first.content.readany()
            async with client.post(serving.url + CHAT, data=BODY) as second:
                await shaped(second, 503, "router_overloaded")
                assert second.headers["retry-after"] == "1"
            async with client.get(serving.url + "/readyz") as health:
                assert health.status == 200
            first.close()
        await asyncio.wait_for(events.closed.wait(), 5)


async def test_upstream_and_router_errors_differ(client: aiohttp.ClientSession) -> None:
    for error, status in ((UpstreamFailed("x"), 502), (Overloaded("x", retry_after=1.0), 503)):
        async with (
            serve(FakePipeline(Answer(error=error))) as serving,
            client.post(serving.url + CHAT, data=BODY) as response,
        ):
            await shaped(response, status, error.code)
