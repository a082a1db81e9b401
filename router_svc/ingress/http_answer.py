"""Puts an answer on the wire: a JSON body, an error in OpenAI's shape, or server-sent events as they come."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from pointsman.core.errors import RequestError
from pointsman.runtime.uninterrupted import uninterrupted
from router_svc.exchange import Answer
from router_svc.ingress.http_body import HttpRefusal
from router_svc.ingress.unexpected import unexpected
from router_svc.openai import errors

STALL_SECONDS = 60.0
"""A client that takes nothing for so long has gone, whatever its connection says. Until then at most a socket's buffer
and 128 KiB wait for it: a slow reader slows the model server, and does not fill the router's memory."""

_SERVER = {"server": "pointsman"}  # instead of the library and its version
_JSON = {"content-type": "application/json", **_SERVER}
_SSE = {
    **_SERVER,
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}


def json(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON body."""
    return web.Response(body=body, status=status, headers={**(headers or {}), **_JSON})


def refusal(error: RequestError, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> web.Response:
    """An error, in OpenAI's shape unless it has a `body` of its own."""
    status, found = errors.status(error).http, errors.headers(error)
    if isinstance(error, HttpRefusal):
        status, found = error.status, {**error.headers, **found}
    return json(body or errors.body(error), status, {**(headers or {}), **found})


async def send(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Whatever the answer is."""
    if answer.error is not None:
        return refusal(answer.error, answer.headers, answer.body)
    if answer.events is not None:
        return await _stream(request, answer, answer.events)
    return json(answer.body or b"", answer.status, answer.headers)


async def _stream(request: web.BaseRequest, answer: Answer, events: AsyncIterator[bytes]) -> web.StreamResponse:
    """Each event as soon as it is there. However this ends, `events` is closed, which cancels what is left to do."""
    response = web.StreamResponse(status=answer.status, headers={**answer.headers, **_SSE})
    try:
        await response.prepare(request)
        await _send_events(response, events)
        await response.write_eof()
    except (ConnectionError, TimeoutError):  # the client has gone, or takes nothing
        response.force_close()
        if request.transport is not None:
            request.transport.abort()
    finally:
        await close(events)
    return response


async def _send_events(response: web.StreamResponse, events: AsyncIterator[bytes]) -> None:
    try:
        async for event in events:
            async with asyncio.timeout(STALL_SECONDS):
                await response.write(event)
    except (ConnectionError, TimeoutError):
        raise
    except Exception as error:  # too late for a status: the stream says so, and has no [DONE]
        await response.write(errors.event(unexpected(error)))


async def close(events: AsyncIterator[bytes]) -> None:
    """Close an iterator that can be closed. It settles what was used, so a cancellation meanwhile waits for it."""
    await uninterrupted(_close(events))


async def _close(events: AsyncIterator[bytes]) -> None:
    try:
        if hasattr(events, "aclose"):
            await events.aclose()
    except Exception as error:  # the answer is over: nobody is left to be told
        unexpected(error)
