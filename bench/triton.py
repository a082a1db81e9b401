"""What classification costs through Triton on a CPU, beside the embedded classifier: `python bench/triton.py`.

Prints p10, p50 and p99 in milliseconds of whole classifications with six routes, for prompts of 16, 64 and 256 tokens
and a conversation; both are asked in turns, so that other work on the machine burdens both alike (p10 the least).
Nothing is remembered from one to the next. Then requests at once through Triton, where a request spends its time there,
and how much the router's own part of it is. The server is the tests' own, in its own environment; or the one at
`--address HOST:PORT`, as where there is a GPU.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from pointsman_classifier.embedded import EmbeddedClassifier
from tritonclient.grpc import InferenceServerClient

from classifier import NAMES, ROUTES, prompt  # the script beside this one
from pointsman.cli.classifier import RouteClassifier
from pointsman.cli.triton.client import outputs
from pointsman.core.request import Turn
from router_svc.triton.connection import Connection
from tests.support.triton import triton_server

ROUNDS = 300
PATIENCE = 60.0


def quantiles(seconds: list[float]) -> str:
    p10, p50, p99 = np.quantile(seconds, (0.1, 0.5, 0.99)) * 1e3
    return f"{p10:6.2f} {p50:6.2f} {p99:7.2f}"


async def through(connection: Connection, model: RouteClassifier, turns: tuple[Turn, ...]) -> None:
    """What a router does: the texts there and back, the scoring here."""
    texts = model.texts("bench", turns, NAMES)
    inferred = await connection.infer(texts, PATIENCE, {})
    model.score("bench", texts, inferred.rows, NAMES)


async def side_by_side(connection: Connection, model: RouteClassifier, turns: tuple[Turn, ...]) -> str:
    here: list[float] = []
    there: list[float] = []
    for n in range(ROUNDS + 20):
        start = time.perf_counter()
        model.classify("bench", turns, NAMES)
        between = time.perf_counter()
        await through(connection, model, turns)
        end = time.perf_counter()
        if n >= 20:
            here.append(between - start)
            there.append(end - between)
    return f"{quantiles(here):>22} {quantiles(there):>22}"


async def at_once(connection: Connection, model: RouteClassifier, turns: tuple[Turn, ...], width: int) -> str:
    """Requests at once, all the time."""
    times: list[float] = []

    async def one() -> None:
        for _ in range(ROUNDS // width):
            start = time.perf_counter()
            await through(connection, model, turns)
            times.append(time.perf_counter() - start)

    start = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(width)))
    return f"{len(times) / (time.perf_counter() - start):6.0f}/s {quantiles(times):>22}"


def own_part(model: RouteClassifier, turns: tuple[Turn, ...]) -> float:
    """Milliseconds that the router computes around the call: choosing the texts and scoring the routes."""
    texts = model.texts("bench", turns, NAMES)
    rows = model.analyse(texts)
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        model.score("bench", model.texts("bench", turns, NAMES), rows, NAMES)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def steps(address: str, before: dict[str, Any]) -> dict[str, Any]:
    """What the server says of its models since `before`, printed as milliseconds a request where there is one."""
    with InferenceServerClient(address) as client:
        now = {each.name: each.inference_stats for each in client.get_inference_statistics().model_stats}
    for name, stats in now.items() if before else ():
        since = before[name]
        count = max(1, stats.success.count - since.success.count)
        parts = ("queue", "compute_input", "compute_infer", "compute_output")
        spent = [(getattr(stats, part).ns - getattr(since, part).ns) / count / 1e6 for part in parts]
        print(f"{name:>12}: " + ", ".join(f"{part} {each:.2f}" for part, each in zip(parts, spent, strict=True)))
    return now


async def measure(address: str, model: RouteClassifier, texts: dict[int, str]) -> None:
    connection = Connection(address, outputs())
    print(f"{'tokens':>8} {'embedded p10 p50 p99':>22} {'Triton p10 p50 p99':>22}")
    for tokens, text in texts.items():
        print(f"{tokens:>8} {await side_by_side(connection, model, (Turn('user', text),))}", flush=True)
    text = texts[64]
    conversation = (Turn("user", text), Turn("assistant", text), Turn("user", text))
    print(f"{'3 x 64':>8} {await side_by_side(connection, model, conversation)}", flush=True)
    before = steps(address, {})
    for width in (1, 4, 16):
        line = await at_once(connection, model, (Turn("user", text),), width)
        print(f"64 tokens, {width:2} at once: {line}", flush=True)
        if width == 1:
            steps(address, before)
    print(f"the router's own part, 64 tokens: {own_part(model, (Turn('user', text),)):.2f} ms")
    await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", help="a server that runs already, instead of one on this machine's CPU")
    address = parser.parse_args().address
    embedded = EmbeddedClassifier.load(progress=print, remembered=0)
    embedded.prepare("bench", ROUTES)
    texts = {tokens: prompt(embedded._encoder, tokens) for tokens in (16, 64, 256)}
    if address:
        asyncio.run(measure(address, RouteClassifier(embedded), texts))
        return
    with tempfile.TemporaryDirectory() as folder, triton_server(Path(folder)) as server:
        server.start()
        asyncio.run(measure(server.address, RouteClassifier(embedded), texts))


if __name__ == "__main__":
    main()
