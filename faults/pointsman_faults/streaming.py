"""A streamed answer, and everything that can go wrong in one."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from pointsman_faults.answers import Reply
from pointsman_faults.errors import error_data
from pointsman_faults.kinds import Cut, ErrorEvent, Fault, Hang, Malformed, NoDone, Refusal, Reset
from pointsman_faults.script import Rule


class ConnectionReset(Exception):
    """The connection is to be reset."""


async def send_stream(request: web.Request, reply: Reply, rule: Rule) -> web.StreamResponse:
    """Sends an answer as server-sent events."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    fault = rule.fault
    await _event(response, reply.opening())
    await asyncio.sleep(rule.first_token)
    if isinstance(fault, Refusal):
        await _refuse(response, reply, fault)
        return response
    for count, chunk in enumerate(_chunks(reply)):
        if await _stops(response, fault, count):
            return response
        await _event(response, chunk)
        await asyncio.sleep(rule.inter_token)
    if await _stops(response, fault, len(reply.tokens), at_end=True):
        return response
    await _event(response, reply.closing())
    usage = reply.usage_chunk()
    if usage is not None:
        await _event(response, usage)
    if not isinstance(fault, NoDone):
        await response.write(b"data: [DONE]\n\n")
    return response


def _chunks(reply: Reply) -> Iterator[dict[str, Any]]:
    for text in reply.reasoning:
        yield reply.piece(text, field="reasoning_content")
    for text in reply.tokens:
        yield reply.piece(text)
    if reply.finish == "tool_calls":
        yield reply.call()


async def _stops(response: web.StreamResponse, fault: Fault | None, count: int, *, at_end: bool = False) -> bool:
    """Lets a fault happen once enough tokens are sent; whether the stream ends by it."""
    if not isinstance(fault, Cut | Reset | Hang | Malformed | ErrorEvent):
        return False
    if count != fault.after_tokens and not at_end:
        return False
    if isinstance(fault, Reset):
        raise ConnectionReset
    if isinstance(fault, Hang):
        await asyncio.Event().wait()
    if isinstance(fault, Malformed):
        await response.write(b'data: {"choices": [{"index": 0,\n\n')
    if isinstance(fault, ErrorEvent):
        name = "event: error\n" if fault.named else ""
        await response.write(f"{name}data: {error_data(fault)}\n\n".encode())
    return True


async def _refuse(response: web.StreamResponse, reply: Reply, fault: Refusal) -> None:
    if fault.structured:
        await _event(response, reply.piece("I cannot help with that.", field="refusal"))
    await _event(response, reply.closing("stop" if fault.structured else "content_filter"))
    if (usage := reply.usage_chunk()) is not None:
        await _event(response, usage)
    await response.write(b"data: [DONE]\n\n")


async def _event(response: web.StreamResponse, chunk: dict[str, Any]) -> None:
    await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
