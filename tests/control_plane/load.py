"""Steady traffic as a Service and an OpenAI SDK make it: to ready routers, and again when a connection breaks."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
import msgspec

TRIES = 3
"""Of one request: the SDK repeats twice when a connection breaks, unless a stream has begun. Never after an answer."""
LOOK = 0.2
"""Seconds between two looks at who is ready."""


class Tally(msgspec.Struct):
    """What became of the requests."""

    sent: int = 0
    answered: int = 0
    repeated: int = 0
    """Broken connections: a killed router takes its requests with it."""
    errors: Counter[str] = msgspec.field(default_factory=Counter)
    slowest: float = 0.0
    """Seconds."""


class Load:
    """Requests at a steady rate, for as long as the block runs."""

    def __init__(
        self, ports: Callable[[], Sequence[int]], per_second: float, model: str = "auto", streams: int = 0
    ) -> None:
        """`ports` are the routers'; of four requests, `streams` are streamed."""
        self._ports, self._pause, self._model, self._streams = ports, 1 / per_second, model, streams
        self._ready: list[int] = []
        self._turn = 0
        self._open: set[asyncio.Task[None]] = set()
        self.tally = Tally()

    async def __aenter__(self) -> "Load":
        timeout = aiohttp.ClientTimeout(total=90, sock_connect=10)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0))
        await self._look()
        self._loops = [asyncio.create_task(self._look_again()), asyncio.create_task(self._send_again())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, *self._open, return_exceptions=True)
        await self._session.close()

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            await self._look()

    async def _look(self) -> None:
        """As the EndpointSlices of a Service follow readiness."""
        ports = list(self._ports())
        states = await asyncio.gather(*(self._is_ready(port) for port in ports))
        self._ready = [port for port, ready in zip(ports, states, strict=True) if ready]

    async def _is_ready(self, port: int) -> bool:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self._session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                return answer.status == 200
        return False

    async def _send_again(self) -> None:
        due = time.monotonic()
        while True:
            due += self._pause
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(self._send())
            self._open.add(task)
            task.add_done_callback(self._open.discard)

    async def _send(self) -> None:
        self._turn += 1
        self.tally.sent += 1
        streamed, started = self._turn % 4 < self._streams, time.monotonic()
        body = {"model": self._model, "messages": [{"role": "user", "content": "hello"}], "stream": streamed}
        problem = "no ready router"
        for attempt in range(TRIES):
            self.tally.repeated += attempt > 0
            ready = self._ready
            if not ready:
                await asyncio.sleep(LOOK)
                continue
            port = ready[(self._turn + attempt) % len(ready)]
            problem, final = await self._ask(port, body)
            if final:
                break
            await self._look()
        self.tally.slowest = max(self.tally.slowest, time.monotonic() - started)
        if problem:
            self.tally.errors[problem] += 1
        else:
            self.tally.answered += 1

    async def _ask(self, port: int, body: dict[str, Any]) -> tuple[str, bool]:
        """What went wrong, if anything, and whether there was an answer."""
        heard = False
        try:
            async with self._session.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body) as answer:
                heard = True
                text = await answer.read()
                if answer.status != 200:
                    return f"{answer.status} {text[:200]!r}", True
                whole = not body["stream"] or b"data: [DONE]" in text
                return "" if whole else "a stream without its end", True
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__, heard and bool(body["stream"])
