"""API server gone, then the operator too, under load: no request fails, and everything converges afterwards.

POINTSMAN_OUTAGE_SECONDS is the length of each phase; `make chaos` gives minutes.
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.control_plane.line import Line, never_back, policy
from tests.control_plane.load import Load
from tests.support.waiting import eventually

PHASE = float(os.environ.get("POINTSMAN_OUTAGE_SECONDS", "4"))
RATE = 20.0


@pytest.fixture
async def line(own_with_crds: ControlPlane, reachable: str, tmp_path: Path) -> AsyncIterator[Line]:
    """Two replicas of the operator, two routers, two model servers."""
    line = Line(own_with_crds.access, tmp_path, reachable)
    try:
        yield line
    finally:
        line.stop()


async def phase(line: Line, seconds: float = PHASE) -> None:
    """Time goes by, and positions are looked at."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.to_thread(line.look)
        await asyncio.sleep(0.5)


async def test_without_api_server_and_operator_nothing_fails(line: Line, own_with_crds: ControlPlane) -> None:
    do = asyncio.to_thread
    await do(line.bring_up, 2)
    first, second = line.routers[0], line.routers[1]
    times: dict[str, float] = {}
    async with Load(line.ready_ports, RATE, streams=2) as load:
        await phase(line, 2)

        await do(own_with_crds.stop_api_server)
        await do(eventually, lambda: line.leader() is None, "the lease to end")
        await phase(line)
        assert line.operators[0]("/livez")[0] == 200
        assert (status := line.operators[0]("/readyz"))[0] == 200
        assert "has not answered for" in json.loads(status[1])["api_server"]
        assert "the last good state answers" in first("/readyz")[1].decode()

        for each in line.operators.values():
            each.kill()
        await phase(line)

        await do(second.stop)  # drained, as Kubernetes does
        second = await do(line.start_router(1).wait_ready)
        assert second.version == first.version
        await phase(line)

        await do(second.stop)
        second.state.write_bytes(second.state.read_bytes()[:-20])
        second = line.start_router(1)
        await do(eventually, lambda: "is damaged" in second("/readyz")[1].decode(), "the damage to show")
        assert second("/readyz")[0] == 503
        why = json.loads(second("/readyz")[1])["dependencies"]["snapshot"]["detail"]
        assert f"{second.state}: is damaged; remove it, and the control plane's next answer replaces it" in why
        await phase(line)

        for number in range(2):  # they come back before the API server does
            line.start_operator(number)
        await phase(line, 2)
        back = time.monotonic()
        await do(own_with_crds.start_api_server)
        times["API server answers"] = time.monotonic() - back
        await do(line.wait_converged)
        times["both routers ready with a fresh compile's snapshot"] = time.monotonic() - back
        await do(line.apply, policy("auto", "large", "small", models=("auto", "also")))
        times["a change of policy after that"] = await do(line.wait_converged)
        await phase(line, 1)
        tally = load.tally

    print(f"\noutage: phases of {PHASE:g} s, {RATE:g} requests/s: {tally}")
    for what, seconds in times.items():
        print(f"  {what}: {seconds:.1f} s")
    assert tally.errors == {}
    assert tally.repeated == 0
    assert tally.answered > RATE * PHASE
    assert all(never_back(positions) for positions in line.positions.values()), line.positions
    assert first.position > (0, 0)
