"""How a router ends: unready first, then no new connections, then the streams to their end, within a limit."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import aiohttp
import grpc
import pytest

from pointsman.runtime.drain import Drain, Phase
from pointsman.v1 import router_pb2 as pb
from pointsman.v1 import router_pb2_grpc
from router_svc.exchange import Answer, Incoming
from tests.support.pipeline import DONE, Events, FakePipeline, chunk
from tests.support.serving import Serving, serve

CHAT = "/v1/chat/completions"


class Recorded:
    """A listener, a sleep and a process that only note what was done to them."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, float]] = []

    async def stop(self, limit: float) -> None:
        self.steps.append(("stop", limit))

    async def sleep(self, seconds: float) -> None:
        self.steps.append(("sleep", seconds))

    def end(self, status: int) -> None:
        self.steps.append(("exit", status))


async def test_the_order_of_the_end() -> None:
    seen = Recorded()
    drain = Drain(delay=3.0, limit=20.0, sleep=seen.sleep, end_process=seen.end)
    assert drain.phase is Phase.STARTING
    drain.ready()
    assert drain.phase is Phase.READY
    drain.install(signal.SIGUSR1)
    running = asyncio.create_task(drain.run(seen, seen))
    await asyncio.sleep(0)
    assert seen.steps == []
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(running, 5)
    assert drain.phase is Phase.DRAINING
    assert seen.steps == [("sleep", 3.0), ("stop", 20.0), ("stop", 20.0)]
    drain.ready()
    assert drain.phase is Phase.DRAINING
    drain.begin()
    assert seen.steps[-1] == ("exit", 1)
    asyncio.get_running_loop().remove_signal_handler(signal.SIGUSR1)


@pytest.fixture
def more() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
async def serving(more: asyncio.Event) -> AsyncIterator[Serving]:
    async def reply(_: Incoming) -> Answer:
        async def events() -> AsyncIterator[bytes]:
            yield chunk("a")
            await more.wait()
            yield DONE

        return Answer(events=events())

    async with serve(FakePipeline(reply)) as started:
        yield started


async def test_a_stream_ends_in_peace_while_nobody_new_comes_in(serving: Serving, more: asyncio.Event) -> None:
    async with aiohttp.ClientSession() as client, client.post(serving.url + CHAT, data=b"{}") as response:
        await response.content.readany()
        stopping = asyncio.create_task(serving.http.stop(30.0))
        await asyncio.sleep(0.05)
        with pytest.raises(aiohttp.ClientConnectorError):
            async with aiohttp.ClientSession() as other, other.get(serving.url + "/healthz"):
                pass
        assert not stopping.done()
        more.set()
        assert await response.content.read() == DONE
        await asyncio.wait_for(stopping, 5)


async def test_a_body_under_way_is_still_read(serving: Serving, more: asyncio.Event) -> None:
    more.set()
    reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
    writer.write(f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{".encode())
    await asyncio.sleep(0.05)
    assert serving.gate.in_flight == 1
    stopping = asyncio.create_task(serving.http.stop(30.0))
    await asyncio.sleep(0.05)
    writer.write(b"}")
    assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 200")
    await asyncio.wait_for(stopping, 5)


async def test_answers_close_their_connection_while_draining(serving: Serving) -> None:
    serving.phase = Phase.DRAINING
    async with aiohttp.ClientSession() as client, client.get(serving.url + "/readyz") as response:
        assert response.status == 503
        assert response.headers["connection"] == "close"


async def test_the_limit_cancels_once_and_lets_streams_settle() -> None:
    settled = []

    class Settling(Events):
        async def aclose(self) -> None:
            for _ in range(20):
                await asyncio.sleep(0)
            settled.append(True)

    events = Settling(chunk("a"), endless=True)
    async with (
        serve(FakePipeline(Answer(events=events))) as serving,
        aiohttp.ClientSession() as client,
        client.post(serving.url + CHAT, data=b"{}") as response,
    ):
        await response.content.readany()
        await asyncio.wait_for(serving.http.stop(0.05), 5)
        assert settled == [True]
        with pytest.raises(aiohttp.ClientError):
            await response.content.read()


async def test_idle_connections_do_not_hold_up_the_end(serving: Serving) -> None:
    async with aiohttp.ClientSession() as client:
        async with client.get(serving.url + "/healthz") as response:
            await response.read()
        await asyncio.wait_for(serving.http.stop(30.0), 2)


async def test_grpc_streams_end_in_peace_too(serving: Serving, more: asyncio.Event) -> None:
    async with serving.channel() as channel:
        call = router_pb2_grpc.RouterStub(channel).Generate(pb.GenerateRequest(body=b"{}"))
        messages = aiter(call)
        await anext(messages)
        stopping = asyncio.create_task(serving.grpc.stop(30.0))
        await asyncio.sleep(0.05)
        more.set()
        assert [message.WhichOneof("event") async for message in messages] == ["chunk", "ending"]
        await asyncio.wait_for(stopping, 5)


async def test_the_limit_ends_grpc_streams() -> None:
    events = Events(chunk("a"), endless=True)
    async with serve(FakePipeline(Answer(events=events))) as serving, serving.channel() as channel:
        call = router_pb2_grpc.RouterStub(channel).Generate(pb.GenerateRequest(body=b"{}"))
        messages = aiter(call)
        await anext(messages)
        await asyncio.wait_for(serving.grpc.stop(0.05), 5)
        await asyncio.wait_for(events.closed.wait(), 5)
        with pytest.raises(grpc.aio.AioRpcError):
            [message async for message in messages]
