"""The gRPC API: pointsman.v1.Router on the same pipeline, and within the same limit, as HTTP.

A call that is cancelled, or whose deadline passes, is cancelled here too: grpc.aio cancels the coroutine, which closes
the answer's events and with them the model server's work.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import grpc
from grpc.aio import AbortError, ServicerContext

from pointsman.core.errors import InvalidRequest, RequestError, UpstreamFailed
from pointsman.v1 import router_pb2 as pb
from pointsman.v1 import router_pb2_grpc
from router_svc import sse
from router_svc.exchange import Answer, Incoming
from router_svc.ingress import wire
from router_svc.ingress.http_answer import close
from router_svc.ingress.http_body import MAX_BODY_BYTES, too_large
from router_svc.ingress.port import Pipeline
from router_svc.ingress.unexpected import unexpected
from router_svc.limits import Gate
from router_svc.openai import errors
from router_svc.spans import UNTRACED, Trace, Tracing

ERROR_KEY = "pointsman-error-bin"
"""Trailing metadata with OpenAI's error JSON; binary, since messages need not be ASCII."""
_LONGEST_DETAILS, _LONGEST_MESSAGE, _LONGEST_ERROR = 200, 1000, 4000
"""Characters of the status, characters of the error, and its bytes: gRPC carries at most 8 KiB of metadata
in all; there a character of the status takes up to 12 bytes, and the error is written in base64."""
_REFUSED = "The model server refused the request; the trailing metadata has its words."
_BROKEN = "The model server's stream broke off; what arrived until then is incomplete."

_SERVICE = "pointsman.v1.Router"

Context = ServicerContext[Any, Any]
Call = pb.DecideRequest | pb.GenerateRequest | pb.ExplainRequest


class RouterApi(router_pb2_grpc.RouterServicer):
    """The Router service."""

    def __init__(self, pipeline: Pipeline, gate: Gate, tracing: Tracing = UNTRACED) -> None:
        self._pipeline, self._gate, self._tracing = pipeline, gate, tracing

    async def Decide(self, request: pb.DecideRequest, context: Context) -> pb.DecideResponse:  # noqa: N802  # as in proto
        """The decision only; one without candidates is an error."""
        async with self._answering(context, "Decide") as trace:
            plan = (await self._pipeline.explain(_incoming(request, context, trace))).plan
            if plan.refusal is not None:
                raise errors.refused(plan.refusal)
            return wire.decision(plan)

    async def Explain(self, request: pb.ExplainRequest, context: Context) -> pb.ExplainResponse:  # noqa: N802  # as in proto
        """The decision, and everything behind it."""
        async with self._answering(context, "Explain") as trace:
            return wire.explanation(await self._pipeline.explain(_incoming(request, context, trace)))

    async def Generate(  # type: ignore[override]  # the stubs know generators only  # noqa: N802  # as in proto
        self, request: pb.GenerateRequest, context: Context
    ) -> None:
        """The answer. Writes to the context instead of yielding: a cancelled call ends here, and not in a generator
        that nobody closes."""
        async with self._answering(context, "Generate") as trace:
            answer = await self._pipeline.answer(_incoming(request, context, trace))
            if answer.error is not None:
                await _abort_by(context, answer.error, answer.headers)
            elif answer.events is None:
                await self._send_body(answer, context)
            else:
                try:
                    await self._send_events(answer, answer.events, context)
                finally:
                    await close(answer.events)

    async def _send_body(self, answer: Answer, context: Context) -> None:
        body = answer.body or b""
        if answer.status >= 400:  # a model server's own words about the request
            await _abort(context, errors.grpc_status(answer.status), _REFUSED, body, answer.headers)
        await context.write(pb.GenerateResponse(facts=wire.facts(answer.headers)))
        await context.write(pb.GenerateResponse(chunk=body))
        await context.write(pb.GenerateResponse(ending=wire.ending(answer.headers, answer.used())))

    async def _send_events(self, answer: Answer, events: AsyncIterator[bytes], context: Context) -> None:
        """The events' data. What says that the stream broke becomes the status; so does an end without [DONE]."""
        await context.write(pb.GenerateResponse(facts=wire.facts(answer.headers)))
        complete = False
        async for event in events:
            data = sse.data(event)
            if data.startswith(b'{"error"'):
                await _abort(context, "UNAVAILABLE", _BROKEN, data, answer.headers)
            complete = data == b"[DONE]"
            if data and not complete:
                await context.write(pb.GenerateResponse(chunk=data))
        if not complete:
            raise UpstreamFailed(_BROKEN, code="upstream_cut")
        await context.write(pb.GenerateResponse(ending=wire.ending(answer.headers, answer.used())))

    @asynccontextmanager
    async def _answering(self, context: Context, method: str) -> AsyncIterator[Trace]:
        """A key, a trace, and a place among the requests in flight; errors become statuses."""
        headers = _headers(context)
        try:
            self._pipeline.authenticate(headers.get("authorization"))
            with self._tracing.grpc(f"{_SERVICE}/{method}", headers) as trace, _told(trace, context):
                async with self._gate.slot():
                    yield trace
        except AbortError:
            raise
        except RequestError as error:
            await _abort_by(context, error)
        except Exception as error:
            await _abort_by(context, unexpected(error))


@contextmanager
def _told(trace: Trace, context: Context) -> Iterator[None]:
    """The trace learns the status, as it will be."""
    try:
        yield
    except AbortError:
        trace.said(context.code().name)
        raise
    except RequestError as error:
        trace.said(errors.status(error).grpc)
        raise
    trace.said("OK")


def _incoming(request: Call, context: Context, trace: Trace) -> Incoming:
    """The call as any ingress receives a request."""
    operation = wire.OPERATIONS.get(request.operation)
    if operation is None:
        raise InvalidRequest("There is no such operation.", code="invalid_value", param="operation")
    if len(request.body) > MAX_BODY_BYTES:
        raise too_large()
    return Incoming(operation=operation, body=request.body, headers=_headers(context), trace=trace)


def _headers(context: Context) -> dict[str, str]:
    """The call's text metadata; repeated keys are joined."""
    found: dict[str, str] = {}
    for key, value in context.invocation_metadata() or ():
        if isinstance(value, str) and not key.startswith("grpc-"):
            found[key] = f"{found[key]}, {value}" if key in found else value
    return found


async def _abort_by(context: Context, error: RequestError, headers: Mapping[str, str] | None = None) -> None:
    found = {**(headers or {}), **errors.headers(error)}
    await _abort(context, errors.status(error).grpc, error.message, errors.body(error, _LONGEST_MESSAGE), found)


async def _abort(context: Context, status: str, message: str, body: bytes, headers: Mapping[str, str]) -> None:
    """End the call with a status; `body` is OpenAI's error JSON, left out when it is too long for metadata."""
    trailing: list[tuple[str, str | bytes]] = list(headers.items())
    if len(body) <= _LONGEST_ERROR:
        trailing.append((ERROR_KEY, body))
    await context.abort(grpc.StatusCode[status], errors.cut(message, _LONGEST_DETAILS), tuple(trailing))
