"""Hands a stream to the client, and tells once how it ended, whoever ended it."""

from collections.abc import AsyncIterator, Awaitable, Callable

from pointsman.runtime.uninterrupted import uninterrupted
from router_svc.exchange import Ending, Stream

Finish = Callable[[Stream, Ending], Awaitable[None]]


class Relay:
    """The events of a stream. To close it cancels the model server's work; `finish` is then awaited, once.

    A class and not a generator: a generator that was never started would never reach its `finally`.
    """

    def __init__(self, stream: Stream, events: AsyncIterator[bytes], finish: Finish) -> None:
        """`events` is what the client gets of `stream`."""
        self._stream, self._events, self._finish = stream, events, finish
        self._finished = False

    def __aiter__(self) -> "Relay":
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._events)
        except BaseException:  # the end of the stream, or the client's leaving: both end here
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Stop. What was used until now is accounted, even if the client's leaving cancels this."""
        if self._finished:
            return
        self._finished = True
        await uninterrupted(self._end())

    async def _end(self) -> None:
        ending = self._stream.ending or Ending.CANCELLED
        try:
            await self._stream.aclose()
        finally:
            await self._finish(self._stream, ending)
