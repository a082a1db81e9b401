"""Five minutes of mixed load on a real router process; its memory must stay flat.

    .venv/bin/python bench/soak.py [SECONDS] [--classifier none]

Streams and JSON, clients that leave, failing backends, 500 users with 2,000 conversations, a changed policy every ten
seconds. What is kept of a user or a conversation is bounded by their number, not by the number of requests. Exits 1
when memory has grown by more than a tenth between the second and the last fifth of the run, when a request got no
answer, or when a place was never given back.
"""

import argparse
import asyncio
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

import aiohttp
import yaml

sys.path.insert(0, str(Path(__file__).parent.parent))

from pointsman_faults.kinds import Cut, Overloaded, RateLimit, Refusal, Status
from pointsman_faults.script import Rule
from pointsman_faults.server import FaultServer
from pointsman_faults.server import serve as serve_faults

from tests.support.build import policy, refs, route
from tests.support.router import served

ROOT = Path(__file__).parent.parent
HTTP, GRPC = "127.0.0.1:18092", "127.0.0.1:18093"
WORKERS = 12
USERS, CONVERSATIONS = 500, 2_000  # each conversation is one user's
TEXTS = (
    "Why does this loop never end? for i in range(3): pass",
    "Translate 'good morning' into German",
    "What is the derivative of x squared?",
    "Hallo, wie geht es dir heute?",
    "Write me a short poem about the sea. " * 20,
)


def objects(faults: dict[str, FaultServer], turn: int) -> list[dict]:
    quota = {"name": "user", "resource": "Tokens", "limit": "20000", "window": {"type": "Rolling", "length": "1h"}}
    downgrade = {"action": "Downgrade", "backends": refs("spare")}
    return [
        *(served(server, name, limits={"concurrency": 50}) for name, server in faults.items()),
        policy(
            routes=[route("code", "flaky", "steady"), route("mathematics", "steady"), route(f"r{turn % 5}", "steady")],
            default={"backends": refs("steady", "flaky")},
            quotas=[{**quota, "onExhausted": downgrade}],
            classifier={"deadline": "500ms"},
        ),
    ]


def write(folder: Path, faults: dict[str, FaultServer], turn: int) -> None:
    new = folder / ".new"
    new.write_text(yaml.safe_dump_all(objects(faults, turn)))
    new.rename(folder / "all.yaml")


def rss_mib(pid: int) -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


async def work(session: aiohttp.ClientSession, until: float, seen: Counter[str]) -> None:
    turn = 0
    while time.monotonic() < until:
        turn += 1
        stream = random.random() < 0.6
        conversation = random.randrange(CONVERSATIONS)
        messages = [{"role": "user", "content": f"{TEXTS[conversation % len(TEXTS)]} {conversation}"}]
        body = {"model": "auto", "messages": messages, "stream": stream, "user": f"user-{conversation % USERS}"}
        try:
            async with session.post(f"http://{HTTP}/v1/chat/completions", json=body) as response:
                if stream and random.random() < 0.2:
                    await response.content.readline()
                    response.close()
                    seen["left"] += 1
                else:
                    await response.read()
                    seen[str(response.status)] += 1
        except aiohttp.ClientError as error:
            seen[type(error).__name__] += 1


async def until_ready(session: aiohttp.ClientSession) -> None:
    for _ in range(600):
        try:
            async with session.get(f"http://{HTTP}/readyz") as response:
                if response.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.2)
    raise SystemExit("the router did not become ready")


async def in_flight(session: aiohttp.ClientSession) -> float:
    async with session.get(f"http://{HTTP}/metrics") as response:
        return float(re.search(r"^pointsman_in_flight (.*)$", await response.text(), re.M).group(1))


async def soak(seconds: float, classifier: str) -> int:
    seen: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            serve_faults(FaultServer("steady")) as steady,
            serve_faults(FaultServer("flaky")) as flaky,
            serve_faults(FaultServer("spare")) as spare,
            aiohttp.ClientSession() as session,
        ):
            faults = {"steady": steady, "flaky": flaky, "spare": spare}
            flaky.play(
                *(Rule(fault=fault, skip=n, times=1) for n, fault in enumerate((Status(status=500), Refusal(), Cut()))),
                Rule(fault=RateLimit(retry_after=0.1), skip=20, times=5),
                Rule(fault=Overloaded(), skip=60, times=5),
            )
            write(folder, faults, 0)
            serve = [
                "serve",
                str(folder),
                "--classifier",
                classifier,
                "--allow-loopback",
                "--http",
                HTTP,
                "--grpc",
                GRPC,
            ]
            router = await asyncio.create_subprocess_exec(
                str(ROOT / ".venv/bin/pointsman"), *serve, stderr=asyncio.subprocess.DEVNULL
            )
            try:
                await until_ready(session)
                until = time.monotonic() + seconds
                workers = [asyncio.create_task(work(session, until, seen)) for _ in range(WORKERS)]
                samples: list[float] = []
                turn = 0
                while time.monotonic() < until:
                    await asyncio.sleep(min(10.0, seconds / 25))
                    turn += 1
                    write(folder, faults, turn)
                    samples.append(rss_mib(router.pid))
                    print(f"{turn:4d}  {samples[-1]:7.1f} MiB  {sum(seen.values())} requests", flush=True)
                await asyncio.gather(*workers)
                await asyncio.sleep(1)
                left = await in_flight(session)
            finally:
                router.send_signal(signal.SIGTERM)
                await router.wait()
    fifth = max(1, len(samples) // 5)
    early, late = median(samples[fifth : 2 * fifth] or samples), median(samples[-fifth:])
    print(dict(seen), f"memory {early:.1f} -> {late:.1f} MiB ({late / early - 1:+.1%}), {left:.0f} still in flight")
    answered = all(key == "left" or key.isdigit() for key in seen)
    return 0 if late <= 1.1 * early and left == 0 and answered and router.returncode == 0 else 1


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("seconds", type=float, nargs="?", default=300.0)
    arguments.add_argument("--classifier", default="embedded")
    options = arguments.parse_args()
    sys.exit(asyncio.run(soak(options.seconds, options.classifier)))
