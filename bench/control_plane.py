"""How long a change takes to reach every router, where that time goes, and what the operator needs, by size.

    make scale                                    the curve; writes docs/img/control-plane-scale.svg and .json
    python bench/control_plane.py 1000            one size, in policies; half as many backends, ten endpoints each
    KUBECONFIG=… python bench/control_plane.py …  on a Kubernetes API without Pointsman; leaves the objects behind

Without KUBECONFIG it starts etcd and kube-apiserver by tests/cluster, and removes them. While changes are measured, one
after the other, 50 EndpointSlices a second change as well. Everything shares this machine's cores: API server, etcd,
operator, ten routers (the stream's real client, in one process) and two processes of load.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from pointsman_operator import handlers  # noqa: E402 - the path comes first
from pointsman_operator.api import Api  # noqa: E402

from bench.control_plane_parts import PROBED, apply  # noqa: E402
from bench.control_plane_plot import plot  # noqa: E402
from tests.cluster import api_server, slots  # noqa: E402
from tests.cluster.down import down  # noqa: E402
from tests.control_plane.calls import Caller  # noqa: E402
from tests.control_plane.fresh import fresh_version  # noqa: E402
from tests.control_plane.large import ENDPOINTS, endpoints, moved, routed_policy, served_backend  # noqa: E402
from tests.control_plane.process import NAMESPACE, OperatorProcess, eventually  # noqa: E402

SIZES = (50, 100, 250, 500, 1000)
ROUTERS, CHURN = 10, 50
CHANGES = int(os.environ.get("CHANGES", "100"))
"""Policy changes measured at each size, twice as many at the largest; every fourth is followed by one of endpoints."""
STAGES = ("write", "watch", "gather", "build", "send", "adopt")
PARTS = str(ROOT / "bench" / "control_plane_parts.py")
IMAGES = ROOT / "docs" / "img"


class Staged(OperatorProcess):
    """The operator, which also writes when it passed which stage."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self.events = folder / "events"
        super().__init__(kubeconfig, folder / "operator.log")

    def _command(self, arguments: list[str]) -> list[str]:
        return [sys.executable, PARTS, "operator", str(self.events), *arguments[1:]]


class Routers:
    """The process of simulated routers, and what each has in force."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.has: dict[int, dict[str, Any]] = {}
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            said = json.loads(line)
            self.has[said["router"]] = said
            self._news.set()

    async def all_have(self, holds: Any, seconds: float = 60) -> float:
        """When the last router got it."""
        async with asyncio.timeout(seconds):
            while len(self.has) < ROUTERS or not all(holds(each) for each in self.has.values()):
                self._news.clear()
                await self._news.wait()
        return max(float(each["at"]) for each in self.has.values())


async def populate(api: Api, policies: int) -> None:
    """What is there already is written again, as changes and churn left it otherwise."""
    bodies = [body for number in range(policies // 2) for body in served_backend(number)]
    bodies += [routed_policy(number) for number in range(policies)]
    places = asyncio.Semaphore(16)

    async def one(body: Any) -> None:
        async with places:
            await apply(api, body)

    await asyncio.gather(*(one(body) for body in bodies))


async def measure(api: Api, routers: Routers, changes: int) -> list[dict[str, Any]]:
    """One change after the other; each at a moment that no debouncing foresees."""
    chance, done = random.Random(7), []
    for revision in range(1, changes + 1):
        await asyncio.sleep(chance.uniform(0.05, 0.25))
        done.append(await _changed(api, routers, routed_policy(revision % PROBED, revision), revision))
        if revision % 4 == 0:
            await asyncio.sleep(chance.uniform(0.05, 0.25))
            done.append(await _changed(api, routers, endpoints(0, revision), revision))
    return done


async def _changed(api: Api, routers: Routers, body: Any, revision: int) -> dict[str, Any]:
    start = time.monotonic()
    answer = await apply(api, body)
    written = time.monotonic()
    if body["kind"] == "RoutingPolicy":
        end = await routers.all_have(lambda has: has["policies"][revision % PROBED] == revision)
    else:
        end = await routers.all_have(lambda has: moved(revision) in has["hosts"])
    metadata = answer["metadata"]
    name = f"{body['kind']}/{metadata['name']}"
    return {"name": name, "generation": metadata["generation"], "start": start, "written": written, "end": end}


def staged(change: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, float]:
    """Seconds of each stage; together the time from before the write until the last router has it."""

    def first(stage: str, after: float, **wanted: object) -> float:
        return next(
            float(each["at"])
            for each in events
            if each["stage"] == stage and each["at"] >= after and all(each[key] == wanted[key] for key in wanted)
        )

    seen = first("seen", change["start"], name=change["name"], generation=change["generation"])
    building = first("building", seen)
    published = first("published", building)
    sent = max(
        (e["at"] for e in events if e["stage"] == "sent" and published <= e["at"] <= change["end"]), default=published
    )
    written = min(change["written"], seen)
    passed = (change["start"], written, seen, building, published, sent, change["end"])
    return dict(zip(STAGES, (after - before for before, after in pairwise(passed)), strict=True))


def quantiles(seconds: list[float]) -> dict[str, int]:
    """In milliseconds; p99 of n values is the one that 1% are above, at least one."""
    ordered = sorted(seconds)
    at = {"p50": len(ordered) // 2, "p99": len(ordered) - 1 - len(ordered) // 100, "max": len(ordered) - 1}
    return {name: round(ordered[index] * 1000) for name, index in at.items()}


def resources(pid: int) -> tuple[float, int]:
    """Seconds of CPU so far, and the most memory that was ever resident, in MB."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    peak = int(next(line for line in status if line.startswith("VmHWM")).split()[1]) // 1024
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), peak


async def _start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, PARTS, *arguments, stdout=asyncio.subprocess.PIPE)


async def settled(operator: OperatorProcess) -> None:
    """No status is written any more."""
    name, before = 'pointsman_operator_status_writes_total{outcome="written"}', -1.0
    while (now := await asyncio.to_thread(operator.metric, name) or 0.0) != before:
        before = now
        await asyncio.sleep(2)


async def run(kubeconfig: Path, policies: int, changes: int) -> dict[str, Any]:
    """One size."""
    api, folder, begin = Api(handlers.login), Path(tempfile.mkdtemp(prefix="pointsman-scale-")), time.monotonic()
    await populate(api, policies)
    start = time.monotonic()
    operator = Staged(kubeconfig, folder)
    await asyncio.to_thread(operator.wait_ready)
    ready = time.monotonic() - start
    await asyncio.to_thread(operator.wait_leading)
    routers = Routers(await _start("routers", f"127.0.0.1:{operator.stream}", str(ROUTERS)))
    await routers.all_have(lambda has: has["policies"][0] >= 0)
    await settled(operator)
    churning = await _start("churn", str(policies // 2), str(CHURN))
    try:
        await churning.stdout.readline()  # type: ignore[union-attr]
        pids = {"operator": operator.process.pid, "routers": routers.process.pid, "churn": churning.pid}
        before, since = {name: resources(pid)[0] for name, pid in pids.items()}, time.monotonic()
        done = await measure(api, routers, changes)
        seconds = time.monotonic() - since
        cpu = {name: round((resources(pid)[0] - before[name]) / seconds * 100) for name, pid in pids.items()}
        peak = resources(operator.process.pid)[1]
    finally:
        churning.terminate()
        said = (await churning.communicate())[0].decode().splitlines()
    caller = Caller(kubeconfig)
    await asyncio.to_thread(
        eventually, lambda: operator.snapshot()["version"] == fresh_version(caller), "the truth", 20
    )
    await asyncio.to_thread(operator.stop)
    routers.process.terminate()
    await api.close()
    events = [json.loads(line) for line in operator.events.read_text().splitlines()]
    ticks = [json.loads(line) for line in said]
    print(f"{policies} policies: {time.monotonic() - begin:.0f} s, log {operator.log}", file=sys.stderr)
    return {
        "policies": policies,
        "backends": policies // 2,
        "endpoints": policies // 2 * ENDPOINTS,
        "routers": ROUTERS,
        "changes": changes,
        "ready_s": round(ready, 2),
        "policy_ms": quantiles([each["end"] - each["start"] for each in done if each["name"].startswith("Routing")]),
        "endpoint_ms": quantiles([each["end"] - each["start"] for each in done if each["name"].startswith("Endpoint")]),
        "stages_ms": _stages([staged(each, events) for each in done if each["name"].startswith("Routing")]),
        "churn_per_s": round((ticks[-1]["changed"] - ticks[0]["changed"]) / (ticks[-1]["at"] - ticks[0]["at"])),
        "cpu_percent": cpu,
        "operator_mb": peak,
    }


def _stages(all_of_them: list[dict[str, float]]) -> dict[str, dict[str, int]]:
    return {stage: quantiles([each[stage] for each in all_of_them]) for stage in STAGES}


@contextmanager
def kubernetes() -> Iterator[Path]:
    """The one that KUBECONFIG names, or one for as long as this runs."""
    if given := os.environ.get("KUBECONFIG"):
        yield Path(given)
        return
    api_server.prepare()
    list(slots.sweep(down))
    slot, lock = slots.claim()
    try:
        access = api_server.start(slot).access
        os.environ.update(access.environment)
        yield access.kubeconfig
    finally:
        if slot.folder.exists():
            down(slot)
        os.close(lock)


def prepare() -> None:
    subprocess.run(["kubectl", "apply", "--server-side", "-f", str(ROOT / "crds")], check=True, capture_output=True)
    for name in ("ai", NAMESPACE):
        subprocess.run(["kubectl", "create", "namespace", name], check=False, capture_output=True)


def main(sizes: list[int]) -> None:
    with kubernetes() as kubeconfig:
        prepare()
        results = []
        for size in sizes or SIZES:
            changes = CHANGES * 2 if size == SIZES[-1] else CHANGES
            results.append(asyncio.run(run(kubeconfig, size, changes)))
            print(json.dumps(results[-1]), flush=True)
    if not sizes:
        IMAGES.mkdir(exist_ok=True)
        (IMAGES / "control-plane-scale.json").write_text(json.dumps(results, indent=1) + "\n")
        plot(results, IMAGES / "control-plane-scale.svg")


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]])
