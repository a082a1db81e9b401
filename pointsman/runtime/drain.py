"""How a server ends without failing a request.

    SIGTERM → not ready → a short delay, in which balancers notice → accept no more → finish what runs, up to a limit

A second signal ends the process at once. In a pod, delay and limit together stay below terminationGracePeriodSeconds.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Protocol


class Phase(StrEnum):
    """Where in its life a server is."""

    STARTING = "Starting"
    READY = "Ready"
    DRAINING = "Draining"


class Listener(Protocol):
    """Something that accepts requests."""

    async def stop(self, limit: float) -> None:
        """Accept no more; return when all that runs has ended, after `limit` seconds by cancelling it."""


class Drain:
    """One server's life: starting until `ready`, then ready until a signal, then draining."""

    def __init__(
        self,
        *,
        delay: float,
        limit: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        end_process: Callable[[int], object] = os._exit,
    ) -> None:
        """`delay` and `limit` in seconds. `end_process` takes the exit status of a second signal."""
        self.phase = Phase.STARTING
        self._delay, self._limit = delay, limit
        self._sleep, self._end_process = sleep, end_process
        self._asked = asyncio.Event()

    @property
    def draining(self) -> bool:
        """Whether the end has begun."""
        return self.phase is Phase.DRAINING

    def ready(self) -> None:
        """Requests would be answered from now on."""
        if self.phase is Phase.STARTING:
            self.phase = Phase.READY

    def install(self, *signals: signal.Signals) -> None:
        """Begin the end on these signals (SIGTERM and SIGINT, if none are named)."""
        loop = asyncio.get_running_loop()
        for each in signals or (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self.begin)

    def begin(self) -> None:
        """What a signal does: begin the end, or when that has begun, end at once."""
        if self.draining:
            self._end_process(1)
        self.phase = Phase.DRAINING
        self._asked.set()

    async def asked(self) -> None:
        """Return when the end has begun."""
        await self._asked.wait()

    async def run(self, *listeners: Listener) -> None:
        """Serve until asked to end; return when every listener has ended."""
        await self.asked()
        await self._sleep(self._delay)
        await asyncio.gather(*(listener.stop(self._limit) for listener in listeners))
