"""Unmodified clients against a whole router: the openai SDK, gRPC, and the process itself from start to SIGTERM."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import grpc
import openai
import pytest
from pointsman_faults.script import Rule
from pointsman_faults.server import FaultServer
from pointsman_faults.server import serve as serve_faults

from pointsman.v1 import router_pb2 as pb
from pointsman.v1 import router_pb2_grpc
from tests.data_plane.test_pipeline import CANARY, two
from tests.support.calls import eventually
from tests.support.ports import free_port
from tests.support.router import Running, running, write


@pytest.fixture
async def router(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, two, "first", "second") as router:
        yield router


def client(router: Running) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{router.url}/v1", api_key="none", max_retries=0)


async def test_the_sdk_chats_streams_calls_tools_and_lists(router: Running) -> None:
    async with client(router) as sdk:
        said = await sdk.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": "hello"}], reasoning_effort="low"
        )
        assert said.choices[0].message.content
        assert said.usage is not None

        stream = await sdk.chat.completions.create(
            model="auto",
            messages=[{"role": "user", "content": "hello"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert chunks[-1].usage is not None

        router.faults["first"].play(Rule(tool_call="get_weather"))
        parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
        called = await sdk.chat.completions.create(
            model="auto",
            messages=[{"role": "user", "content": "weather?"}],
            tools=[{"type": "function", "function": {"name": "get_weather", "parameters": parameters}}],
        )
        assert called.choices[0].message.tool_calls[0].function.name == "get_weather"

        assert [model.id for model in (await sdk.models.list()).data] == ["auto", "first", "second"]


async def test_the_sdk_reads_errors(router: Running) -> None:
    async with client(router) as sdk:
        with pytest.raises(openai.NotFoundError) as unknown:
            await sdk.chat.completions.create(model="gpt-9", messages=[{"role": "user", "content": "hello"}])
        assert unknown.value.code == "model_not_found"
        with pytest.raises(openai.APIError):
            await sdk.responses.create(model="auto", input="hello")


async def test_grpc_decides_generates_and_explains(router: Running) -> None:
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "hello"}]}).encode()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{router.router.grpc_port}") as channel:
        stub = router_pb2_grpc.RouterStub(channel)
        decided = await stub.Decide(pb.DecideRequest(operation=pb.OPERATION_CHAT, body=body))
        assert decided.candidates[0].backend == "ai/first"
        assert len(router.faults["first"].requests) == 0
        explained = await stub.Explain(pb.ExplainRequest(operation=pb.OPERATION_CHAT, body=body))
        assert "ai/first" in str(explained)
        said = [message async for message in stub.Generate(pb.GenerateRequest(operation=pb.OPERATION_CHAT, body=body))]
        assert said[-1].ending.usage.completion_tokens > 0
        assert said[-1].ending.facts.backend == "ai/first"
        assert json.loads(next(message.chunk for message in said if message.chunk))["choices"]


@asynccontextmanager
async def process(folder: Path, *arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str, list[str]]]:
    """`pointsman serve` as users start it; yields it with its URL and the lines of its log."""
    url = f"127.0.0.1:{free_port()}"
    flags = ["--allow-loopback", "--classifier", "none", "--http", url, "--grpc", f"127.0.0.1:{free_port()}"]
    command = [sys.executable, "-m", "pointsman.cli", "serve", str(folder), *flags, *arguments]
    running = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    lines: list[str] = []

    async def read() -> None:
        assert running.stderr is not None
        async for line in running.stderr:
            lines.append(line.decode())

    reader = asyncio.create_task(read())
    try:
        await eventually(lambda: running.returncode is not None or any(line.endswith(": ready\n") for line in lines))
        yield running, f"http://{url}", lines
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()
        await reader


async def test_the_process_reloads_drains_and_logs_no_text(tmp_path: Path) -> None:
    async with (
        serve_faults(FaultServer("first")) as first,
        serve_faults(FaultServer("second")) as second,
        aiohttp.ClientSession() as session,
    ):
        faults = {"first": first, "second": second}
        first.play(Rule(text=f"{CANARY} " * 40, inter_token=0.05))
        write(tmp_path, two(faults))
        async with process(tmp_path) as (router, url, lines):
            write(tmp_path, two(faults, nonsense=1))
            await eventually(lambda: any("nonsense" in line for line in lines))

            body = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": CANARY}]}
            async with session.post(f"{url}/v1/chat/completions", json=body) as response:
                assert response.status == 200
                await response.content.readline()
                router.send_signal(signal.SIGTERM)
                async with session.get(f"{url}/readyz") as ready:
                    assert ready.status == 503
                rest = await response.text()
            assert rest.rstrip().endswith("[DONE]")
            assert await router.wait() == 0
        assert not [line for line in lines if CANARY in line]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--http", "nowhere"), "--http"), (("--keys", "missing.yaml"), "missing.yaml")],
)
async def test_a_wrong_flag_is_named(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    async with process(tmp_path, *arguments) as (router, _, lines):
        assert await router.wait() == 2
    assert any(said in line for line in lines)
    assert not any("Traceback" in line for line in lines)
