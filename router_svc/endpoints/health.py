"""Active health checks: one task for each endpoint whose backend asks for them."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from pointsman.core.snapshot import Backend, HealthCheck
from router_svc.exchange import Endpoint

JITTER = 0.1
"""Intervals vary by this share, so that replicas do not check in step."""

Probe = Callable[[Endpoint, str, float], Awaitable[bool]]
"""Asks an endpoint for a path within a number of seconds; whether it is well. Raises nothing."""


class Listener(Protocol):
    """Who hears the results."""

    def checked(self, backend_key: str, endpoint: Endpoint, *, ok: bool) -> None:
        """Takes one result."""


class HealthChecks:
    """Keeps a check running for every endpoint that wants one."""

    def __init__(
        self,
        listener: Listener,
        probe: Probe,
        random: random.Random,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._listener = listener
        self._probe = probe
        self._random = random
        self._sleep = sleep
        self._tasks: dict[tuple[str, Endpoint, HealthCheck], asyncio.Task[None]] = {}

    def update(self, sets: Mapping[str, tuple[Endpoint, ...]], backends: Mapping[str, Backend]) -> None:
        """Starts checks that are missing and ends those that nothing asks for any more."""
        wanted = {
            (key, endpoint, backend.health)
            for key, backend in backends.items()
            if backend.health is not None
            for endpoint in sets.get(key, ())
        }
        for gone in self._tasks.keys() - wanted:
            key, endpoint, _ = gone
            self._tasks.pop(gone).cancel()
            # without a check nothing would bring it back
            self._listener.checked(key, endpoint, ok=True)
        for check in wanted - self._tasks.keys():
            self._tasks[check] = asyncio.create_task(self._run(*check), name=f"health check of {check[0]}")

    async def aclose(self) -> None:
        """Ends every check."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, key: str, endpoint: Endpoint, check: HealthCheck) -> None:
        await self._sleep(check.interval * self._random.random())  # a new set must not be checked all at once
        while True:
            ok = await self._probe(endpoint, check.path, check.interval)
            self._listener.checked(key, endpoint, ok=ok)
            await self._sleep(check.interval * self._random.uniform(1 - JITTER, 1 + JITTER))
