"""Calls per second and CPU time per call of the upstream stage, beside bare aiohttp against the same server.

    python bench/upstream.py                         # against pointsman-faults, started here
    python bench/upstream.py --server 127.0.0.1:9000 # against a faster one, such as a server written in C

CPU time is this process's alone. Absolute numbers swing with the machine; the ratio to bare aiohttp is what counts.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import contextmanager

import aiohttp
import msgspec
import uvloop

from pointsman.core.request import Operation
from pointsman.core.snapshot import Backend, Timeouts
from router_svc.exchange import Body, Endpoint, Payload, Reply
from router_svc.upstream import Upstream, build

TOKENS = 100
BACKEND = Backend(namespace="bench", name="bench", model="bench")
Call = Callable[[], Awaitable[None]]


def body(*, stream: bool) -> Body:
    asked = {"model": "auto", "messages": [{"role": "user", "content": "hello " * 200}], "stream": stream}
    fields = msgspec.json.decode(msgspec.json.encode(asked), type=dict[str, msgspec.Raw])
    return Body(fields=fields, model="auto", stream=stream, prompt_tokens=200)


def routed(upstream: Upstream, endpoint: Endpoint, *, stream: bool) -> Call:
    asked = body(stream=stream)

    async def call() -> None:
        payload = build(asked, Operation.CHAT, BACKEND, None)
        reply = await upstream.call(endpoint, payload, Timeouts(), time.monotonic() + 60, None)
        assert isinstance(reply, Reply), reply
        if reply.stream is not None:
            async for _ in reply.stream:
                pass

    return call


def bare(session: aiohttp.ClientSession, endpoint: Endpoint, payload: Payload) -> Call:
    url = f"http://{endpoint.authority}{payload.path}"

    async def call() -> None:
        async with session.post(url, data=payload.body, headers=payload.headers) as response:
            async for _ in response.content.iter_any():
                pass

    return call


async def measure(name: str, call: Call, seconds: float, concurrency: int) -> float:
    """Prints one line; returns CPU microseconds per call."""
    done = 0
    for _ in range(20):
        await call()
    end = time.perf_counter() + seconds

    async def worker() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await call()
            done += 1

    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    cpu, took = time.process_time() - cpu, time.perf_counter() - began
    print(f"{name:28} {done / took:9.0f} calls/s {cpu / done * 1e6:9.0f} us CPU per call")
    return cpu / done * 1e6


async def bench(endpoint: Endpoint, seconds: float, concurrency: int) -> None:
    ratios = {}
    async with Upstream(lambda ip: None) as upstream, aiohttp.ClientSession() as session:
        for stream in (False, True):
            what = f"stream of {TOKENS} tokens" if stream else "whole answer"
            payload = build(body(stream=stream), Operation.CHAT, BACKEND, None)
            base = await measure(f"aiohttp, {what}", bare(session, endpoint, payload), seconds, concurrency)
            ours = await measure(f"upstream, {what}", routed(upstream, endpoint, stream=stream), seconds, concurrency)
            ratios[what] = ours / base
    for what, ratio in ratios.items():
        print(f"{what}: {ratio:.2f} times the CPU of bare aiohttp")
    print(f"payload.build: {build_time():.1f} us")


def build_time() -> float:
    asked = body(stream=True)
    began = time.perf_counter()
    for _ in range(20_000):
        build(asked, Operation.CHAT, BACKEND, None)
    return (time.perf_counter() - began) / 20_000 * 1e6


@contextmanager
def fault_server():
    """Starts pointsman-faults; yields its endpoint."""
    command = [sys.executable, "-m", "pointsman_faults", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline().rsplit(":", 1)[1])
        script = json.dumps({"rules": [{"tokens": TOKENS}]})
        subprocess.run(
            [sys.executable, "-c", PUT_SCRIPT, f"http://127.0.0.1:{port}/faults", script], check=True, timeout=10
        )
        try:
            yield Endpoint("127.0.0.1", port)
        finally:
            process.terminate()


PUT_SCRIPT = """
import sys, urllib.request
url, script = sys.argv[1:]
urllib.request.urlopen(urllib.request.Request(url, script.encode(), method="PUT"))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", metavar="HOST:PORT")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--concurrency", type=int, default=32)
    options = parser.parse_args()
    if options.server:
        host, _, port = options.server.rpartition(":")
        uvloop.run(bench(Endpoint(host, int(port)), options.seconds, options.concurrency))
        return
    with fault_server() as endpoint:
        uvloop.run(bench(endpoint, options.seconds, options.concurrency))


if __name__ == "__main__":
    main()
