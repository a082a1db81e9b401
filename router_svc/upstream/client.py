"""One attempt: a request to one endpoint within its time limits, and everything that can go wrong as a `Failure`."""

import asyncio
import ssl
import time
from collections.abc import Callable
from typing import Self

import aiohttp

from pointsman.core.snapshot import Timeouts
from router_svc.exchange import Endpoint, Failure, Payload, Reply
from router_svc.upstream import answer, classify, failures
from router_svc.upstream.stream import EventStream
from router_svc.upstream.tally import Tally
from router_svc.upstream.transport import Refuse, Transport

MAX_ANSWER_BYTES = 128 << 20
MAX_ERROR_BYTES = 256 << 10


class Upstream:
    """Calls model servers. Use as an async context manager, or `start` and `aclose`."""

    def __init__(
        self,
        refuse: Refuse,
        *,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`refuse` guards addresses; `tls` holds the CAs to trust (the system's by default); `clock` is in seconds
        and what deadlines are measured by; `now` is in epoch seconds."""
        self._transport = Transport(refuse, tls or ssl.create_default_context())
        self._clock = clock
        self._now = now

    async def start(self) -> None:
        """Must run in the event loop that makes the calls."""
        await self._transport.start()

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def call(
        self, endpoint: Endpoint, payload: Payload, timeouts: Timeouts, deadline: float, credential: str | None
    ) -> Reply | Failure:
        """Sends the payload; returns when a whole answer, the first content of a stream, or a failure is there.

        `deadline` is when, by the clock, the whole answer must be there; `credential` is sent as a bearer token.
        To cancel this coroutine closes the connection. It raises nothing else.
        """
        started = self._clock()
        left = deadline - started
        patience = min(left, timeouts.first_token) if payload.stream else left
        if patience <= 0:
            return failures.late("no time was left for this attempt", endpoint_fault=False)
        try:
            async with asyncio.timeout(patience):
                return await self._attempt(endpoint, payload, timeouts.connect, started, deadline, credential)
        except failures.NOT_CONNECTED as error:
            return failures.not_connected(error)
        except TimeoutError:
            # an attempt that had little time to begin with says nothing of the endpoint
            return failures.late(
                f"no {'content' if payload.stream else 'answer'} within {patience:.3g} s",
                endpoint_fault=patience >= min(timeouts.first_token, timeouts.total) / 2,
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return failures.not_answered(error)

    async def probe(self, endpoint: Endpoint, path: str, limit: float) -> bool:
        """Whether a GET of this path answers 2xx within `limit` seconds."""
        try:
            async with asyncio.timeout(limit):
                return 200 <= await self._transport.get_status(endpoint, path) < 300
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return False

    async def _attempt(
        self,
        endpoint: Endpoint,
        payload: Payload,
        connect: float,
        started: float,
        deadline: float,
        credential: str | None,
    ) -> Reply | Failure:
        headers = payload.headers
        if credential:
            headers = {**headers, "authorization": f"Bearer {credential.strip()}"}
        response = await self._transport.post(endpoint, payload.path, payload.body, headers, connect)
        try:
            if response.status != 200:
                body = await _read_error(response)
                return classify.classify(response.status, response.headers, body, self._now())
            if payload.stream and response.content_type != "application/json":
                return await self._stream(response, payload, started, deadline)
            body = await _read_bounded(response, MAX_ANSWER_BYTES)
            return self._whole(body, payload, self._clock() - started)
        except BaseException:  # cancelled or broken: to close the connection is what tells the model server
            response.close()
            raise

    async def _stream(
        self, response: aiohttp.ClientResponse, payload: Payload, started: float, deadline: float
    ) -> Reply | Failure:
        stream = EventStream(
            response,
            strip_usage=payload.strip_usage,
            prompt_tokens=payload.prompt_tokens,
            clock=self._clock,
            now=self._now,
        )
        failure = await stream.open()
        if failure is not None:
            await stream.aclose()
            return failure
        heard = self._clock()
        stream.limit(max(deadline - heard, 0.0))
        return Reply(stream=stream, first_token=heard - started)

    def _whole(self, body: bytes, payload: Payload, took: float) -> Reply | Failure:
        """Reads an answer that came in one piece."""
        part = answer.read(body)
        if part.error is not None:
            return classify.embedded(part.error, self._now())
        if payload.stream or not (part.choices or part.has_data):
            return failures.broken("the model server sent something else than asked for")
        tally = Tally(payload.prompt_tokens)
        tally.add(part)
        if tally.refused and not tally.content:
            return failures.refused(body, tally.usage)
        return Reply(body=body, usage=tally.usage, spoken=tally.spoken, first_token=took)


async def _read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body. Raises AnswerTooLarge, and aiohttp.ClientError when it breaks off."""
    pieces, size = [], 0
    while piece := await response.content.readany():
        size += len(piece)
        if size > limit:
            raise failures.AnswerTooLarge
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _read_error(response: aiohttp.ClientResponse) -> bytes:
    """The body of an error; empty when it does not come whole, since the status says enough."""
    try:
        return await _read_bounded(response, MAX_ERROR_BYTES)
    except (aiohttp.ClientError, OSError, failures.AnswerTooLarge):
        response.close()
        return b""
