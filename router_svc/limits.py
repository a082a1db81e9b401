"""How much the router takes on at once: requests in flight, a short queue behind them, and no for the rest.

A request counts until its answer has ended, a stream until its last event. Saying no at once keeps a full router
useful: the client, or the balancer before it, asks another replica.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from pointsman.core.errors import Overloaded


class Gate:
    """Lets at most `max_in_flight` requests through; `max_queued` more wait their turn for up to `max_wait` seconds."""

    def __init__(self, max_in_flight: int, max_queued: int, max_wait: float, retry_after: float = 1.0) -> None:
        self.max_in_flight = max_in_flight
        self.refused = 0
        """Requests that were told to come back."""
        self._max_queued, self._max_wait, self._retry_after = max_queued, max_wait, retry_after
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def in_flight(self) -> int:
        """Requests that are being answered."""
        return self._in_flight

    @property
    def queued(self) -> int:
        """Requests that wait."""
        return len(self._waiting)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """A place for one request; raises Overloaded when there is none in time."""
        if self._in_flight < self.max_in_flight:
            self._in_flight += 1
        else:
            await self._queue()
        try:
            yield
        finally:
            self._leave()

    async def _queue(self) -> None:
        """Wait until a leaving request hands over its place."""
        if len(self._waiting) >= self._max_queued:
            raise self._refuse()
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._max_wait):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._leave()  # the place came as the wait ended
            with suppress(ValueError):
                self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise self._refuse() from None
            raise

    def _leave(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._in_flight -= 1

    def _refuse(self) -> Overloaded:
        self.refused += 1
        return Overloaded("The router is at its limit; try again shortly.", retry_after=self._retry_after)
