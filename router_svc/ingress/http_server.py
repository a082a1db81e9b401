"""The HTTP server: connections, their end when the router drains, and what a malformed request is told.

aiohttp's own logging and error pages repeat what they could not parse, which may be a piece of a prompt, so both are
replaced here.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader

from pointsman.core.errors import InvalidRequest
from router_svc.ingress import http_answer
from router_svc.ingress.http import HttpApi
from router_svc.ingress.http_body import MAX_BODY_BYTES
from router_svc.ingress.unexpected import unexpected
from router_svc.openai import errors

_LOG = logging.getLogger("pointsman.ingress")
_SETTLE_SECONDS = 5.0
"""For requests that were cancelled at the end to say so upstream and to settle."""


class HttpServer:
    """Serves the API on one address."""

    def __init__(self, api: HttpApi, *, draining: Callable[[], bool] = lambda: False) -> None:
        """Needs a running loop. While `draining`, each answer closes its connection: clients then connect elsewhere."""
        self._api, self._draining = api, draining
        self._running: set[asyncio.Task[Any]] = set()
        self._idle = asyncio.Event()
        self._stopping = False
        self._server = _Server(
            self._handle,
            request_factory=_request,
            handler_cancellation=True,  # a client that leaves cancels its request
            auto_decompress=False,  # `http_body` does, and refuses what it cannot
            access_log=None,
        )
        self._runner = web.ServerRunner(self._server, shutdown_timeout=_SETTLE_SECONDS)

    async def start(self, host: str, port: int) -> int:
        """Listen; port 0 takes a free one. Returns the port. Raises OSError when the address cannot be had."""
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, backlog=1024).start()
        return int(self._runner.addresses[0][1])

    async def start_on(self, listening: socket.socket) -> None:
        """Listen on a socket that is bound already."""
        await self._runner.setup()
        await web.SockSite(self._runner, listening, backlog=1024).start()

    async def stop(self, limit: float) -> None:
        """Accept no more connections and let running requests end; cancel them after `limit` seconds.

        A connection that is open may send one more request: to drop it unanswered would be a failed request.
        """
        self._stopping = True
        for site in list(self._runner.sites):
            await site.stop()
        await asyncio.sleep(0)  # requests that arrived before are now running
        await self._until_idle(limit)
        for task in self._running:
            task.cancel()  # once: a second cancellation would interrupt what the first began to settle
        await self._until_idle(_SETTLE_SECONDS)
        await self._runner.cleanup()

    async def _until_idle(self, limit: float) -> None:
        if not self._running:
            return
        self._idle.clear()
        try:
            async with asyncio.timeout(limit):
                await self._idle.wait()
        except TimeoutError:
            return

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            response = await self._api.handle(request)
            if self._stopping or self._draining():
                response.force_close()
            return response
        finally:
            self._running.discard(task)
            if not self._running:
                self._idle.set()


class _Connection(web.RequestHandler):
    """One connection, which never repeats what it could not understand."""

    __slots__ = ()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """A request that is not HTTP, or an error of aiohttp's own."""
        if status < 500:
            error = InvalidRequest("This is not a well-formed HTTP request.", code="invalid_http")
            response = http_answer.json(errors.body(error), status)
        else:
            response = http_answer.refusal(unexpected(exc or RuntimeError()))
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Where it happened, and nothing else."""
        error = kw.get("exc_info")
        if isinstance(error, BaseException):
            unexpected(error)


class _Server(web.Server):
    """aiohttp's server with our connections."""

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, logger=_LOG, **self._kwargs)


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: "asyncio.Task[None]",
) -> web.BaseRequest:
    """A request whose body has our limit."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY_BYTES)
