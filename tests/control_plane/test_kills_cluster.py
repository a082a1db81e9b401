"""kill -9 of either replica at any point of many operations: the same snapshot as a fresh compile, and no step back.

POINTSMAN_OPERATIONS=200 makes it the long form.
"""

import asyncio
import os
import random
import time
from pathlib import Path
from typing import Any

from tests.cluster.access import Access
from tests.control_plane.calls import Caller
from tests.control_plane.fresh import fresh_version
from tests.control_plane.process import OperatorProcess
from tests.control_plane.streams import Router, backend, policy
from tests.support.ports import free_port
from tests.support.waiting import eventually

OPERATIONS = int(os.environ.get("POINTSMAN_OPERATIONS", "60"))
KILL_EVERY = 15
WITHIN = 60
"""Seconds until it is given up. The goal is ten, which is for `make chaos` on a machine with nothing else to do."""


class Replicas:
    """Two operators; a killed one is started again at the same address, as Kubernetes does."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self._kubeconfig, self._folder, self._streams = kubeconfig, folder, (free_port(), free_port())
        self.running = [self._start(number) for number in range(2)]
        self.address = f"127.0.0.1:{self._streams[0]}"

    def _start(self, number: int) -> OperatorProcess:
        log, stream = self._folder / f"operator-{number}.log", self._streams[number]
        return OperatorProcess(self._kubeconfig, log, name=f"operator-{number}", stream=stream)

    def kill(self, number: int) -> None:
        self.running[number].kill()
        self.running[number] = self._start(number)

    def leader(self) -> OperatorProcess | None:
        leading = (each for each in self.running if each.metric("pointsman_operator_leading") == 1.0)
        return next(leading, None)

    def version(self) -> str | None:
        """Of the snapshot that the leader has published."""
        leader = self.leader()
        snapshot = leader.snapshot() if leader is not None else {}
        return snapshot["version"] if snapshot.get("position") else None


def operate(caller: Caller, chance: random.Random) -> None:
    """Apply or delete one of a few objects."""
    name = f"b{chance.randrange(4)}"
    some, slices = backend(name, f"10.0.0.{chance.randrange(1, 250)}", model=f"org/m{chance.randrange(5)}")
    chosen: dict[str, Any] = chance.choice([some, slices, policy(f"p{chance.randrange(5)}", name, "b0")])
    if chance.random() < 0.2:
        caller.delete(chosen)
    else:
        _drop_doubles(chosen)
        status, answer = caller.apply(chosen, "test", force=True)
        assert status in (200, 201), answer


def _drop_doubles(body: dict[str, Any]) -> None:
    refs = body["spec"].get("default", {}).get("backends", []) if "spec" in body else []
    refs[:] = list({ref["name"]: ref for ref in refs}.values())


async def test_killed_at_any_point(with_namespace: Access, caller: Caller, tmp_path: Path) -> None:
    chance = random.Random(7)
    replicas = Replicas(with_namespace.kubeconfig, tmp_path)
    router = Router("ai/router", replicas.address, tmp_path)
    following = asyncio.create_task(router.client.forever())
    positions = [(0, 0)]
    try:
        for number in range(1, OPERATIONS + 1):
            await asyncio.to_thread(operate, caller, chance)
            positions.append(router.client.position)
            if number % KILL_EVERY == 0:
                await asyncio.to_thread(replicas.kill, chance.randrange(2))

        def settled() -> bool:
            return replicas.version() == fresh_version(caller)

        ended = time.monotonic()

        await asyncio.to_thread(eventually, settled, "the snapshot of a fresh compile", WITHIN)
        await asyncio.to_thread(eventually, lambda: router.version == fresh_version(caller), "the router", WITHIN)
        print(f"\n{OPERATIONS} operations: converged {time.monotonic() - ended:.1f} s after the last")
        positions.append(router.client.position)
        assert positions == sorted(positions)
        assert positions[-1][0] > 0
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        for each in replicas.running:
            each.kill()
        for number in range(4):
            for body in backend(f"b{number}"):
                caller.delete(body)
