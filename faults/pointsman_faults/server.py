"""The HTTP server: a fake model server with a control API beside it."""

import asyncio
import json
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from pointsman_faults import answers
from pointsman_faults.errors import error_of
from pointsman_faults.kinds import Cut, Hang, Reset
from pointsman_faults.received import Outcome, Received, receive
from pointsman_faults.script import Player, Rule, Script, ScriptError, parse
from pointsman_faults.streaming import ConnectionReset, send_stream

REMEMBERED = 1000
"""Requests that GET /requests shows."""
PATHS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings")


class FaultServer:
    """One fake model server."""

    def __init__(
        self,
        name: str = "faults",
        script: Script | None = None,
        *,
        keep_bodies: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`now` gives epoch seconds."""
        self.name = name
        self.requests: deque[Received] = deque(maxlen=REMEMBERED)
        self.url = ""
        """Where it listens, once it does."""
        self.port = 0
        self._player = Player(script or Script())
        self._keep_bodies = keep_bodies
        self._now = now

    def play(self, *rules: Rule, healthy: bool = True) -> None:
        """Follows other rules from now on."""
        self._player = Player(Script(rules=rules, healthy=healthy))

    def app(self) -> web.Application:
        """Its HTTP application."""
        app = web.Application(client_max_size=64 << 20)
        app.add_routes([web.post(path, self._answer) for path in PATHS])
        app.add_routes(
            [
                web.get("/v1/models", self._models),
                web.get("/health", self._health),
                web.get("/faults", self._show_script),
                web.put("/faults", self._take_script),
                web.delete("/faults", self._forget_script),
                web.get("/requests", self._show_requests),
                web.delete("/requests", self._forget_requests),
            ]
        )
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        try:
            asked = json.loads(body)
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            return web.json_response({"error": {"message": "the body is not a JSON object"}}, status=400)
        received = receive(request, asked, body, self._now(), keep_body=self._keep_bodies)
        self.requests.append(received)
        rule = self._player.rule_for(request.path, received.model)
        try:
            response = await self._follow(rule, request, asked)
        except asyncio.CancelledError:
            received.outcome = Outcome.CANCELLED
            raise
        except ConnectionResetError:  # noticed while writing that the client has left
            received.outcome = Outcome.CANCELLED
            return web.Response(status=499)  # nobody hears it
        except ConnectionReset:
            received.outcome = Outcome.FAULTED
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=499)  # nobody hears it
        received.outcome = Outcome.FAULTED if rule.fault else Outcome.ANSWERED
        return response

    async def _follow(self, rule: Rule, request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        """Answers one request as its rule says."""
        fault = rule.fault
        at_once = isinstance(fault, Reset | Hang) and (fault.after_tokens is None or not asked.get("stream"))
        if at_once and isinstance(fault, Reset):
            raise ConnectionReset
        if at_once:
            await asyncio.Event().wait()
        error = error_of(fault)
        if error is not None:
            await asyncio.sleep(rule.first_token)
            status, body, retry_after = error
            headers = {} if retry_after is None else {"Retry-After": str(retry_after).removesuffix(".0")}
            text = body if isinstance(body, str) else json.dumps(body)
            kind = "text/html" if isinstance(body, str) else "application/json"
            return web.Response(status=status, text=text, content_type=kind, headers=headers)
        if request.path == "/v1/embeddings":
            await asyncio.sleep(rule.first_token)
            return web.json_response(answers.embeddings(asked, rule))
        reply = answers.Reply(self.name, asked, rule, chat=request.path == PATHS[0])
        if asked.get("stream"):
            return await send_stream(request, reply, rule)
        await asyncio.sleep(rule.first_token)
        whole = answers.whole_body(reply, fault)
        if not isinstance(fault, Cut):
            return web.Response(body=whole, content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(whole))})
        await response.prepare(request)
        await response.write(whole[: len(whole) // 2])
        raise ConnectionReset

    async def _models(self, _request: web.Request) -> web.Response:
        model = {"id": self.name, "object": "model", "created": answers.CREATED, "owned_by": "pointsman-faults"}
        return web.json_response({"object": "list", "data": [model]})

    async def _health(self, _request: web.Request) -> web.Response:
        healthy = self._player.script.healthy
        return web.json_response({"status": "ok" if healthy else "unhealthy"}, status=200 if healthy else 503)

    async def _show_script(self, _request: web.Request) -> web.Response:
        return _json(self._player.script)

    async def _take_script(self, request: web.Request) -> web.Response:
        try:
            self._player = Player(parse(await request.read()))
        except ScriptError as error:
            return web.json_response({"error": {"message": str(error), "code": "invalid_script"}}, status=400)
        return _json(self._player.script)

    async def _forget_script(self, _request: web.Request) -> web.Response:
        self._player = Player(Script())
        return web.Response(status=204)

    async def _show_requests(self, _request: web.Request) -> web.Response:
        return _json(list(self.requests))

    async def _forget_requests(self, _request: web.Request) -> web.Response:
        self.requests.clear()
        return web.Response(status=204)


@asynccontextmanager
async def serve(
    server: FaultServer | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[FaultServer]:
    """Runs a server while the context is open; port 0 takes a free one. Its requests are cut off at the end."""
    server = server or FaultServer()
    runner = web.AppRunner(server.app(), handler_cancellation=True, access_log=None, shutdown_timeout=0.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        server.port = runner.addresses[0][1]
        server.url = f"{'https' if tls else 'http'}://{host}:{server.port}"
        yield server
    finally:
        await runner.cleanup()


def read_script(path: Path) -> Script:
    """Reads a script from a file. Raises ScriptError and OSError."""
    return parse(path.read_bytes())


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
