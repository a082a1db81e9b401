"""A data plane of one function, and streams that tell how they ended, for tests of what stands before it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import msgspec

from pointsman.core.errors import Unauthenticated
from pointsman.core.plan import Plan
from pointsman.core.signals import Signals
from router_svc.exchange import Answer, Incoming
from router_svc.openai.explain import Explanation
from router_svc.openai.models import ModelEntry

PLAN = Plan(id="d-1", snapshot="s-1", model="auto")
FACTS = {
    "x-pointsman-decision-id": "d-1",
    "x-pointsman-model": "Qwen/Qwen3-32B",
    "x-pointsman-backend": "ai/qwen3-32b",
    "x-pointsman-route": "code",
    "x-pointsman-reason": "RouteClassified,BestQuality",
    "x-pointsman-attempts": "1",
}


class FakePipeline:
    """Answers by a function; remembers what it was asked."""

    def __init__(
        self,
        reply: Callable[[Incoming], Awaitable[Answer]] | Answer,
        explanation: Explanation | Exception | None = None,
        models: Iterable[ModelEntry] = (),
        key: str | None = None,
    ) -> None:
        self.reply = reply
        self.explanation = explanation or Explanation(PLAN, Signals())
        self.entries = list(models)
        self.key = key
        self.asked: list[Incoming] = []

    def authenticate(self, authorization: str | None) -> None:
        if self.key is not None and authorization != f"Bearer {self.key}":
            raise Unauthenticated("no")

    async def answer(self, incoming: Incoming) -> Answer:
        self.asked.append(incoming)
        return self.reply if isinstance(self.reply, Answer) else await self.reply(incoming)

    async def explain(self, incoming: Incoming) -> Explanation:
        self.asked.append(incoming)
        if isinstance(self.explanation, Exception):
            raise self.explanation
        return self.explanation

    def models(self, authorization: str | None) -> list[ModelEntry]:
        self.authenticate(authorization)
        return self.entries


class Events:
    """A stream of events; `closed` is set when someone closed it. With `endless` it waits after the last one."""

    def __init__(self, *events: bytes, endless: bool = False) -> None:
        self._events = iter(events)
        self._endless = endless
        self.sent = 0
        self.closed = asyncio.Event()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        event = next(self._events, None)
        if event is not None:
            self.sent += 1
            return event
        if self._endless:
            await asyncio.Event().wait()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        await asyncio.sleep(0)  # settling takes a moment, and must survive the cancellation that led here
        self.closed.set()


def chunk(text: str, **more: object) -> bytes:
    """One event of a chat stream."""
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


DONE = b"data: [DONE]\n\n"


def completion(text: str, **message: object) -> bytes:
    """The body of a chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return msgspec.json.encode(body)
