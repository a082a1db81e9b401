"""Calls of the upstream stage against a fault server over real HTTP."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from pointsman_faults.script import Rule
from pointsman_faults.server import FaultServer, serve

from pointsman.core.request import Effort, Operation
from pointsman.core.snapshot import Backend, Timeouts
from router_svc.exchange import Body, Endpoint, Failure, Payload, Reply
from router_svc.upstream import Upstream, build

BACKEND = Backend(namespace="ai", name="small", model="vendor/small")
QUICK = Timeouts(connect=2.0, first_token=5.0, total=10.0)
PROMPT_TOKENS = 11
TRUST = ssl.create_default_context()  # slow to make: once for all tests


def raw_fields(**fields: Any) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}


def body(*, stream: bool = False, include_usage: bool = False, effort: Effort | None = None, **fields: Any) -> Body:
    fields = {"model": "auto", "messages": [{"role": "user", "content": "hello"}], **fields}
    if stream:
        fields["stream"] = True
    return Body(
        fields=raw_fields(**fields),
        model="auto",
        stream=stream,
        include_usage=include_usage,
        effort=effort,
        prompt_tokens=PROMPT_TOKENS,
    )


def payload(*, stream: bool = False, operation: Operation = Operation.CHAT, **kwargs: Any) -> Payload:
    return build(body(stream=stream, **kwargs), operation, BACKEND, None)


class Caller:
    """An upstream client and the fault server that it calls."""

    def __init__(self, upstream: Upstream, server: FaultServer) -> None:
        self.upstream = upstream
        self.server = server
        self.endpoint = Endpoint("127.0.0.1", server.port)
        self.clock = time.monotonic

    async def call(
        self,
        *rules: Rule,
        sent: Payload | None = None,
        stream: bool = False,
        timeouts: Timeouts = QUICK,
        credential: str | None = None,
    ) -> Reply | Failure:
        self.server.play(*rules)
        sent = sent or payload(stream=stream)
        return await self.upstream.call(self.endpoint, sent, timeouts, time.monotonic() + timeouts.total, credential)

    async def fail(self, *rules: Rule, **kwargs: Any) -> Failure:
        outcome = await self.call(*rules, **kwargs)
        assert isinstance(outcome, Failure), outcome
        return outcome

    async def reply(self, *rules: Rule, **kwargs: Any) -> Reply:
        outcome = await self.call(*rules, **kwargs)
        assert isinstance(outcome, Reply), outcome
        return outcome


@asynccontextmanager
async def calling(refuse: Callable[[str], str | None] = lambda ip: None) -> AsyncIterator[Caller]:
    async with serve(FaultServer(keep_bodies=True)) as server, Upstream(refuse, tls=TRUST) as upstream:
        yield Caller(upstream, server)


async def read_all(reply: Reply) -> list[bytes]:
    assert reply.stream is not None
    return [event async for event in reply.stream]


def text_of(events: list[bytes]) -> str:
    """The answer that a client would put together."""
    text = ""
    for event in events:
        data = event.removeprefix(b"data: ").strip()
        if data != b"[DONE]":
            for choice in msgspec.json.decode(data).get("choices", ()):
                text += choice.get("delta", {}).get("content") or choice.get("text") or ""
    return text


async def eventually(holds: Callable[[], bool]) -> None:
    """Waits until something outside this task has happened; long enough for a busy machine."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - a socket closing sets no event
            await asyncio.sleep(0.002)
