"""OpenAI's HTTP API: which path does what. All else of HTTP is in `http_server`, `http_body` and `http_answer`."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from pointsman.core.errors import RequestError, Unsupported
from pointsman.core.request import Operation
from router_svc.exchange import Incoming
from router_svc.ingress import http_answer
from router_svc.ingress.health import Health
from router_svc.ingress.http_body import HttpRefusal, body_of, headers_of
from router_svc.ingress.port import Pipeline
from router_svc.ingress.unexpected import unexpected
from router_svc.limits import Gate
from router_svc.openai import models
from router_svc.spans import UNTRACED, Trace, Tracing

OPERATIONS: Mapping[str, Operation] = {
    "/v1/chat/completions": Operation.CHAT,
    "/v1/completions": Operation.COMPLETION,
    "/v1/embeddings": Operation.EMBEDDINGS,
}
_MODEL = "/v1/models/"
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_RESPONSES = (
    "Pointsman does not offer the Responses API yet. Use POST /v1/chat/completions; in OpenAI's SDK that is "
    "client.chat.completions.create()."
)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class HttpApi:
    """Answers one HTTP request after the other; its `handle` is what the server calls."""

    def __init__(
        self,
        pipeline: Pipeline,
        gate: Gate,
        health: Callable[[], Health],
        metrics: Callable[[], bytes],
        tracing: Tracing = UNTRACED,
    ) -> None:
        """`metrics` renders Prometheus' text format."""
        self._pipeline, self._gate, self._health, self._metrics = pipeline, gate, health, metrics
        self._tracing = tracing
        self._gets: dict[str, Handler] = {
            "/v1/models": self._models,
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/metrics": self._render_metrics,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer, whatever happens."""
        try:
            return await self._route(request)(request)
        except RequestError as error:
            return http_answer.refusal(error)
        except Exception as error:
            return http_answer.refusal(unexpected(error))

    def _route(self, request: web.BaseRequest) -> Handler:
        """The handler of this path and method; raises for all others."""
        path = request.path
        if path in OPERATIONS:
            return self._allow(request, self._generate, "POST")
        if path in self._gets:
            return self._allow(request, self._gets[path], "GET", "HEAD")
        if path.startswith(_MODEL) and len(path) > len(_MODEL):
            return self._allow(request, self._model, "GET", "HEAD")
        if path == "/v1/responses" or path.startswith("/v1/responses/"):
            raise Unsupported(_RESPONSES)
        known = ", ".join((*OPERATIONS, *self._gets))
        raise HttpRefusal(HTTPStatus.NOT_FOUND, f"There is nothing at this path. There is: {known}.", "unknown_url")

    def _allow(self, request: web.BaseRequest, handler: Handler, *methods: str) -> Handler:
        if request.method in methods:
            return handler
        allowed = {"allow": ", ".join((*methods, "OPTIONS"))}
        if request.method == "OPTIONS":
            return _options(allowed)
        message = f"This path takes {' or '.join(methods)}, not {request.method[:16]}."
        raise HttpRefusal(HTTPStatus.METHOD_NOT_ALLOWED, message, "method_not_allowed", allowed)

    async def _generate(self, request: web.BaseRequest) -> web.StreamResponse:
        """A key first: who has none leaves no trace."""
        self._pipeline.authenticate(request.headers.get("authorization"))
        with self._tracing.http(request.path, request.headers) as trace:
            try:
                response = await self._answered(request, trace)
            except RequestError as error:
                response = http_answer.refusal(error)
            trace.said(response.status)
            return response

    async def _answered(self, request: web.BaseRequest, trace: Trace) -> web.StreamResponse:
        """A place, then the body: what waits outside waits in the client's memory."""
        async with self._gate.slot():
            body = await body_of(request)
            operation, headers = OPERATIONS[request.path], headers_of(request)
            incoming = Incoming(operation=operation, body=body, headers=headers, trace=trace)
            return await http_answer.send(request, await self._pipeline.answer(incoming))

    async def _models(self, request: web.BaseRequest) -> web.StreamResponse:
        entries = self._pipeline.models(request.headers.get("authorization"))
        return http_answer.json(models.render_list(entries))

    async def _model(self, request: web.BaseRequest) -> web.StreamResponse:
        entries = self._pipeline.models(request.headers.get("authorization"))
        return http_answer.json(models.render_one(entries, request.path.removeprefix(_MODEL)))

    async def _healthz(self, _: web.BaseRequest) -> web.StreamResponse:
        return http_answer.json(msgspec.json.encode({"status": "ok"}))

    async def _readyz(self, _: web.BaseRequest) -> web.StreamResponse:
        health = self._health()
        return http_answer.json(health.render(), HTTPStatus.OK if health.ready else HTTPStatus.SERVICE_UNAVAILABLE)

    async def _render_metrics(self, _: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=self._metrics(), headers={"content-type": _METRICS_TYPE})


def _options(allowed: Mapping[str, str]) -> Handler:
    async def options(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=allowed)

    return options
