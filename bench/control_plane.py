"""How long a policy change takes to reach every router, and what the operator needs, as the cluster grows.

    KUBECONFIG=… python bench/control_plane.py [POLICIES BACKENDS ENDPOINTS ROUTERS]

Needs a Kubernetes API without Pointsman (tests/cluster gives one); installs the CRDs and leaves the objects behind.
While changes are measured, 50 EndpointSlices a second change as well. Prints one line of JSON.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.control_plane.calls import Caller  # noqa: E402 - the path comes first
from tests.control_plane.process import NAMESPACE, OperatorProcess, eventually  # noqa: E402
from tests.control_plane.streams import Router, backend, policy  # noqa: E402

CHANGES, CHURN = int(os.environ.get("CHANGES", "100")), 50


def populate(caller: Caller, policies: int, backends: int, endpoints: int) -> None:
    for number in range(backends):
        at = [f"10.{number // 200}.{number % 200}.{host + 1}" for host in range(endpoints // backends)]
        for body in backend(f"b{number}", *at):
            caller.apply(body, "bench", force=True)
    for number in range(policies):
        caller.apply(changed(number, 0, backends), "bench", force=True)


def changed(number: int, revision: int, backends: int) -> dict[str, Any]:
    """A policy of five routes."""
    body = policy(f"p{number}", f"b{number % backends}")
    body["spec"]["routes"] = [
        {
            "name": f"r{route}",
            "description": f"requests of kind {route}, revision {revision}",
            "backends": [{"name": f"b{(number + route) % backends}"}],
        }
        for route in range(5)
    ]
    return body


async def churn(caller: Caller, backends: int) -> None:
    """Steady changes of addresses."""
    step = 0
    while True:
        step += 1
        _, slices = backend(f"b{step % backends}", f"10.9.{step % 200}.{step // 200 % 200 + 1}")
        await asyncio.gather(asyncio.to_thread(caller.apply, slices, "bench", force=True), asyncio.sleep(1 / CHURN))


async def measure(caller: Caller, routers: list[Router], backends: int) -> list[float]:
    times = []
    for revision in range(1, CHANGES + 1):
        body = changed(revision % 7, revision, backends)
        text = f"requests of kind 0, revision {revision}"
        start = time.perf_counter()
        await asyncio.to_thread(caller.apply, body, "bench", force=True)
        while not all(_has(router, f"ai/p{revision % 7}", text) for router in routers):  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        times.append(time.perf_counter() - start)
    return sorted(times)


def _has(router: Router, key: str, text: str) -> bool:
    found = router.adopted[-1].snapshot.policies.get(key) if router.adopted else None
    return found is not None and found.routes[0].description == text


def memory(pid: int) -> int:
    """Resident, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) // 1024


def prepare() -> None:
    subprocess.run(["kubectl", "apply", "--server-side", "-f", str(ROOT / "crds")], check=True, capture_output=True)
    for name in ("ai", NAMESPACE):
        subprocess.run(["kubectl", "create", "namespace", name], check=False, capture_output=True)


async def main(policies: int = 1000, backends: int = 500, endpoints: int = 5000, count: int = 10) -> None:
    kubeconfig, folder = Path(os.environ["KUBECONFIG"]), Path(tempfile.mkdtemp())
    await asyncio.to_thread(prepare)
    caller = Caller(kubeconfig)
    await asyncio.to_thread(populate, caller, policies, backends, endpoints)
    start = time.perf_counter()
    operator = OperatorProcess(kubeconfig, folder / "operator.log")
    print("log:", operator.log, file=sys.stderr)
    operator.wait_ready()
    started = time.perf_counter() - start
    operator.wait_leading()
    routers = [Router(f"r{number}", f"127.0.0.1:{operator.stream}", folder) for number in range(count)]
    tasks = [asyncio.create_task(router.client.forever()) for router in routers]
    await asyncio.to_thread(eventually, lambda: all(router.version for router in routers), "every router", 60)
    statuses = 'pointsman_operator_status_writes_total{outcome="written"}'
    wanted = policies + backends
    await asyncio.to_thread(eventually, lambda: (operator.metric(statuses) or 0) >= wanted, "statuses", 120)
    reported = time.perf_counter() - start
    tasks.append(asyncio.create_task(churn(caller, backends)))
    times = await measure(caller, routers, backends)
    result = {
        "policies": policies,
        "backends": backends,
        "endpoints": endpoints,
        "routers": count,
        "ready_s": round(started, 2),
        "every_status_s": round(reported, 2),
        "p50_ms": round(times[len(times) // 2] * 1000),
        "p99_ms": round(times[-1 - len(times) // 100] * 1000),
        "operator_mb": memory(operator.process.pid),
    }
    print(json.dumps(result))
    for task in tasks:
        task.cancel()
    operator.kill()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
