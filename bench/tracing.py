"""What tracing costs a request: CPU of the router's process, switched off, on but not sampled, and sampled.

    .venv/bin/python bench/tracing.py [--requests 1500] [--rounds 3] [--alone]

First the calls alone that tell of one request (five spans), in CPU time of the thread that makes them; with --alone,
nothing more. Then router processes run at once, with `pointsman-faults` behind them and the same requests in turn, so
that what else the machine does meets all alike. The collector takes everything. Medians of the rounds are printed.
"""

import argparse
import asyncio
import logging
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from statistics import median

import aiohttp
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))

from pointsman.core.endpoints import Endpoint
from pointsman.core.plan import Candidate, Plan
from pointsman.core.request import Operation, Request
from pointsman.core.signals import ClassifierOutcome, Signals
from pointsman.core.snapshot import Backend
from pointsman.runtime import telemetry
from router_svc.record import AttemptRecord, GenerationRecord
from router_svc.spans import UNTRACED, Tracing
from router_svc.tracing import OpenTelemetry
from tests.support.build import backend, policy
from tests.support.collector import collecting, environment

KINDS = {
    "off": {"OTEL_SDK_DISABLED": "true"},
    "metrics only": {"OTEL_TRACES_EXPORTER": "none"},
    "not sampled": {"OTEL_TRACES_SAMPLER": "parentbased_always_off", "OTEL_METRICS_EXPORTER": "none"},
    "sampled": {"OTEL_TRACES_SAMPLER": "parentbased_always_on", "OTEL_METRICS_EXPORTER": "none"},
    "sampled, with metrics": {"OTEL_TRACES_SAMPLER": "parentbased_always_on"},
}
AT_ONCE = 8
BODY = {"model": "auto", "messages": [{"role": "user", "content": "hello there"}]}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def started(*command: str, port: int, path: str, **variables: str) -> AsyncIterator[int]:
    """A process that answers on a port; yields its id."""
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **variables}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(120), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{port}{path}") as response:
                        if response.status == 200:
                            break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


async def load(session: aiohttp.ClientSession, port: int, requests: int, *, stream: bool) -> None:
    """So many requests, a few at once."""
    left = iter(range(requests))

    async def client() -> None:
        for _ in left:
            async with session.post(
                f"http://127.0.0.1:{port}/v1/chat/completions", json={**BODY, "stream": stream}
            ) as response:
                await response.read()
                assert response.status == 200

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))


def alone(tracing: Tracing, requests: int = 1000) -> float:
    """Microseconds of CPU for what a request tells, best of five."""
    candidate = Candidate(backend="ai/one", quality=0.5, cost=1, tier="default")
    plan = Plan(id="d" * 32, snapshot="s" * 64, model="auto", policy="ai/assistant", candidates=(candidate,))
    request, endpoint = Request(id="d" * 32, model="auto"), Endpoint("127.0.0.1", 80)
    model = Backend(namespace="ai", name="one", model="org/one")
    attempt = AttemptRecord("ai/one", "Answered", 1.0, model="org/one")
    record = GenerationRecord(
        id=plan.id, started=0.0, seconds=1.0, operation=Operation.CHAT, stream=False, subject=request.subject,
        model="auto", backend="ai/one", attempts=(attempt,), outcome="Clean",
    )  # fmt: skip
    signals = Signals(classifier=ClassifierOutcome.ANSWERED)

    def tell() -> None:
        with tracing.http("/v1/chat/completions", {}) as trace:
            with trace.classifying() as stage:
                stage.classified(signals)
            with trace.deciding() as stage:
                stage.decided(plan)
            trace.trying(request, candidate, model)
            call = trace.calling(endpoint, "/v1/chat/completions")
            call.answered(200)
            call.ended()
            trace.finished(record)
            trace.said(200)

    best = float("inf")
    for _ in range(5):
        before = time.thread_time()
        for _ in range(requests):
            tell()
        best = min(best, time.thread_time() - before)
    return 1e6 * best / requests


def spans_alone() -> None:
    """With a collector that is gone: what is sent is not counted here."""
    logging.disable()
    before = dict(os.environ)
    os.environ.update(environment(f"http://127.0.0.1:{free_port()}", OTEL_METRICS_EXPORTER="none"))
    print("what a request tells: CPU of the thread")
    print(f"  {'off':22} {alone(UNTRACED):6.1f} us")
    for kind, sampler in (("not sampled", "parentbased_always_off"), ("sampled", "parentbased_always_on")):
        os.environ["OTEL_TRACES_SAMPLER"] = sampler
        with closing(telemetry.from_environment("bench")) as measured:
            assert measured.tracer is not None
            print(f"  {kind:22} {alone(OpenTelemetry(measured.tracer)):6.1f} us")
    os.environ.clear()
    os.environ.update(before)


async def measure(arguments: argparse.Namespace) -> None:
    async with AsyncExitStack() as stack:
        collector = await stack.enter_async_context(collecting())
        upstream = free_port()
        faults = [sys.executable, "-m", "pointsman_faults", "--port", str(upstream)]
        await stack.enter_async_context(started(*faults, port=upstream, path="/health"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        endpoints = {"external": {"host": "127.0.0.1", "port": upstream, "tls": False}}
        objects = [backend("one", endpoints=endpoints), policy(default={"backends": [{"name": "one"}]})]
        (folder / "all.yaml").write_text(yaml.safe_dump_all(objects))
        routers: dict[str, tuple[int, int]] = {}
        for kind, variables in KINDS.items():
            port = free_port()
            command = [sys.executable, "-m", "pointsman.cli", "serve", str(folder), "--allow-loopback"]
            command += ["--classifier", "none", "--http", f"127.0.0.1:{port}", "--grpc", f"127.0.0.1:{free_port()}"]
            usual = environment(collector.address, OTEL_BSP_SCHEDULE_DELAY="1000", OTEL_METRIC_EXPORT_INTERVAL="10000")
            running = started(*command, port=port, path="/readyz", **{**usual, **variables})
            routers[kind] = (await stack.enter_async_context(running), port)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        for stream in (False, True):
            found: dict[str, list[float]] = {kind: [] for kind in KINDS}
            for number in range(arguments.rounds + 1):  # the first warms up
                for kind, (pid, port) in routers.items():
                    before = cpu_seconds(pid)
                    await load(session, port, arguments.requests, stream=stream)
                    await asyncio.sleep(1.5)  # the last batch belongs to it
                    if number:
                        found[kind].append(1e6 * (cpu_seconds(pid) - before) / arguments.requests)
            print(f"\n{'a stream' if stream else 'a JSON answer'}: CPU of the router per request")
            off = median(found["off"])
            for kind, values in found.items():
                print(f"  {kind:22} {median(values):6.0f} us   {median(values) - off:+5.0f} us")
        print(f"\nspans received: {len(collector.spans)}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--requests", type=int, default=1500, help="in a round, for each router")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--alone", action="store_true", help="only what a request tells, without a request")
    asked = arguments.parse_args()
    spans_alone()
    if not asked.alone:
        asyncio.run(measure(asked))


if __name__ == "__main__":
    main()
