"""An answer under way: events are passed on as they come, looked at on the way, and their end is made certain.

Until the first content, `open` may still report a failure, and another candidate can be asked. Afterwards an error
is told to the client as an event of its own, never followed by `[DONE]`.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable

import aiohttp
import msgspec

from pointsman.core.quota import Usage
from pointsman.core.resources.policy import Trigger
from router_svc.exchange import Ending, Failure, Spoken
from router_svc.sse import Event
from router_svc.upstream import answer, classify, failures, sse
from router_svc.upstream.tally import Tally

_DONE = b"[DONE]"
_TAIL = 0.25
"""Seconds to wait for the end of the response after `[DONE]`, so that the connection can be used again."""
_SLOW_CLIENT = 5.0
"""Seconds without reading, because the client does not take what is there, after which a server may give up writing."""
_MAX_HELD_BYTES = 256 << 10
"""What is held back until the first content comes, or until a refusal has ended."""


class EventStream:
    """Implements `exchange.Stream`; each item is one complete event."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        *,
        strip_usage: bool,
        prompt_tokens: int,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        """`clock` is in seconds and never goes back; `now` gives epoch seconds."""
        self._response = response
        self._strip_usage = strip_usage
        self._clock = clock
        self._now = now
        self._read_last = clock()
        self._longest_pause = 0.0
        self._parser = sse.EventParser()
        self._tally = Tally(prompt_tokens)
        self._pending: deque[bytes] = deque()
        self._failure: Failure | None = None
        self._ending: Ending | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def ending(self) -> Ending | None:
        """How it ended; None while it runs."""
        return self._ending

    @property
    def usage(self) -> Usage:
        """What has been used until now: as reported, or estimated from the text so far."""
        return self._tally.usage

    @property
    def spoken(self) -> Spoken:
        """What the model server has said of its answer until now."""
        return self._tally.spoken

    @property
    def endpoint_ok(self) -> bool | None:
        """What the end says of the endpoint: it answered well, it failed, or None for nothing."""
        if self._ending is Ending.CLEAN:
            return True
        return False if self._failure is not None and self._failure.endpoint_fault else None

    async def open(self) -> Failure | None:
        """Reads until the first content. A failure means that nothing of the answer may be used.

        Only a refusal has used anything: nobody pays for an answer that did not come.
        """
        while self._ending is None and not self._tally.content and not self._tally.refused:
            await self._read()
            if not self._tally.content and self._held > _MAX_HELD_BYTES:
                self._fail("the model server sent much, but no content")
        if self._tally.refused and not self._tally.content:
            return await self._refusal()
        return None if self._tally.content else self._failure

    def limit(self, seconds: float) -> None:
        """Ends the stream by a timeout unless it ends by itself within this time."""
        self._timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while True:
                while self._pending:
                    yield self._pending.popleft()
                if self._ending is not None:
                    break
                await self._read()
            if self._failure is not None:
                yield _error_event(self._failure)
            elif self._ending is Ending.CLEAN:
                await self._read_tail()
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Give up: closes the connection to the model server, which cancels its work. Harmless after the end."""
        if self._ending is None:
            self._ending = Ending.CANCELLED
        self._close()

    @property
    def _held(self) -> int:
        return sum(map(len, self._pending))

    async def _read(self) -> None:
        """Takes what comes next from the connection."""
        self._longest_pause = max(self._longest_pause, self._clock() - self._read_last)
        try:
            data = await self._response.content.readany()
            events = self._parser.feed(data) if data else self._parser.finish()
        except (aiohttp.ClientError, OSError):
            self._lost()
            return
        except sse.EventTooLarge:
            self._fail("the model server sent an event that is too large")
            return
        self._read_last = self._clock()
        self._pending.extend(event.raw for event in events if self._ending is None and self._take(event))
        if not data and self._ending is None:
            self._lost()

    def _take(self, event: Event) -> bool:
        """Looks at one event; whether it is passed on."""
        if not event.data:
            return self._tally.content  # a comment keeps a connection alive, and an unanswered client needs none
        if event.data == _DONE:
            self._ending = Ending.CLEAN
            return True
        try:
            part = answer.read(event.data)
        except answer.Malformed:
            self._fail("the model server sent an event that is not JSON")
            return False
        if part.error is not None or event.name == b"error":
            self._failure = classify.embedded(part.error or event.data, self._now())
            self._ending = Ending.CUT
            return False
        self._tally.add(part)
        return not (self._strip_usage and part.usage_only)

    async def _refusal(self) -> Failure:
        """Reads a refusal to its end, so that it can be passed on if no other candidate is asked."""
        while self._ending is None and self._held < _MAX_HELD_BYTES:
            await self._read()
        self._close()
        whole = b"".join(self._pending) if self._ending is Ending.CLEAN else None
        return failures.refused(whole, self.usage)

    def _lost(self) -> None:
        """The connection ended without `[DONE]`: cleanly only if every choice had ended."""
        if self._ending is not None:
            return  # closed on purpose
        if self._tally.complete:
            self._ending = Ending.CLEAN
        else:
            # a model server that could not write for long closes the connection, rightly
            self._fail("the model server's answer broke off", endpoint_fault=self._longest_pause < _SLOW_CLIENT)

    def _fail(self, message: str, *, endpoint_fault: bool = True) -> None:
        self._failure = failures.broken(message, endpoint_fault=endpoint_fault)
        self._ending = Ending.CUT

    def _expire(self) -> None:
        if self._ending is None:
            # long answers and slow clients take their time too; a server that hangs is found by the next first token
            self._failure = failures.late("the time for the answer is over", endpoint_fault=False)
            self._ending = Ending.TIMEOUT
            self._close()

    async def _read_tail(self) -> None:
        """Reads to the end of the response after `[DONE]`; a server that holds it open loses the connection."""
        content = self._response.content
        if content.at_eof():
            return
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with asyncio.timeout(_TAIL):
                while not content.at_eof():
                    await content.readany()

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._response.close()


def _error_event(failure: Failure) -> bytes:
    """An error in OpenAI's shape: the model server's own where it sent one."""
    if failure.body is not None:
        return b"data: " + failure.body.replace(b"\n", b" ") + b"\n\n"  # in JSON, line ends are mere space
    code = "upstream_timeout" if failure.trigger is Trigger.TIMEOUT else "upstream_failed"
    error = {"message": failure.message, "type": "server_error", "param": None, "code": code}
    return b"data: " + msgspec.json.encode({"error": error}) + b"\n\n"
