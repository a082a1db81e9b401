"""Answers in OpenAI's shape. Pure."""

import json
from typing import Any

from pointsman_faults.errors import error
from pointsman_faults.kinds import ErrorEvent, Fault, Malformed, Refusal
from pointsman_faults.script import Rule, UsageReport

CREATED = 1_700_000_000
"""Epoch seconds; fixed, so that equal requests get equal answers."""


class Reply:
    """A model's answer to one request, to be sent whole or piece by piece."""

    def __init__(self, name: str, request: dict[str, Any], rule: Rule, *, chat: bool) -> None:
        """`name` is the server's and part of the canned text, so that people see who answered."""
        self._rule = rule
        self._chat = chat
        self._model = str(request.get("model", "unknown"))
        options = request.get("stream_options")
        self._asked = isinstance(options, dict) and bool(options.get("include_usage"))
        self._prompt_tokens = len(json.dumps(request.get("messages", request.get("prompt", ""))).split())
        text = f"This is {name}, answering with canned text." if rule.text is None else rule.text
        words = _pieces(text)
        if rule.tokens is not None:
            words = [words[i % len(words)] if words else " token" for i in range(rule.tokens)]
        self.tokens = [] if rule.tool_call else words
        self.reasoning = _pieces(rule.reasoning)
        self.finish = "tool_calls" if rule.tool_call else "stop"

    def usage(self, sent: int | None = None) -> dict[str, Any]:
        """What is reported as used."""
        if self._rule.usage is UsageReport.ODD:
            return {"prompt_tokens": -5, "completion_tokens": "many", "total_tokens": None}
        completion = (len(self.tokens) if sent is None else sent) + len(self.reasoning) + bool(self._rule.tool_call)
        return {
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self._prompt_tokens + completion,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": len(self.reasoning)},
        }

    def whole(self) -> dict[str, Any]:
        """The answer as one JSON object."""
        text = "".join(self.tokens)
        choice: dict[str, Any] = {"index": 0, "finish_reason": self.finish, "logprobs": None}
        if self._chat:
            choice["message"] = {"role": "assistant", "content": text or None, **self._extras()}
        else:
            choice["text"] = text
        return self._envelope([choice], stream=False, usage=self._rule.usage is not UsageReport.NEVER)

    def refusal(self, *, structured: bool) -> dict[str, Any]:
        """A refusal as one JSON object."""
        message = {"role": "assistant", "content": None, "refusal": "I cannot help with that." if structured else None}
        choice = {"index": 0, "finish_reason": "stop" if structured else "content_filter", "message": message}
        return self._envelope([choice], stream=False, usage=True)

    def opening(self) -> dict[str, Any]:
        """The first chunk: a role without content."""
        return self._chunk({"role": "assistant", "content": ""})

    def piece(self, text: str, *, field: str = "content") -> dict[str, Any]:
        """One chunk of content."""
        return self._chunk({field: text})

    def call(self) -> dict[str, Any]:
        """A chunk that calls the function."""
        return self._chunk(self._extras())

    def closing(self, finish: str | None = None) -> dict[str, Any]:
        """The chunk with the finish reason."""
        chunk = self._chunk({}, finish or self.finish)
        if self._rule.usage is UsageReport.WITH_LAST:
            chunk["usage"] = self.usage()
        return chunk

    def usage_chunk(self) -> dict[str, Any] | None:
        """The chunk with the usage, where one is sent."""
        wanted = self._rule.usage in (UsageReport.ALWAYS, UsageReport.ODD) or (
            self._asked and self._rule.usage is UsageReport.ASKED
        )
        return self._envelope([], stream=True, usage=True) if wanted else None

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
        if self._chat:
            choice["delta"] = delta
        else:
            choice["text"] = delta.get("content", "")
        return self._envelope([choice], stream=True, usage=False)

    def _extras(self) -> dict[str, Any]:
        extras: dict[str, Any] = {}
        if self.reasoning and not self.tokens:
            extras["reasoning_content"] = "".join(self.reasoning)
        if self._rule.tool_call:
            function = {"name": self._rule.tool_call, "arguments": "{}"}
            extras["tool_calls"] = [{"index": 0, "id": "call_1", "type": "function", "function": function}]
        return extras

    def _envelope(self, choices: list[dict[str, Any]], *, stream: bool, usage: bool) -> dict[str, Any]:
        kind = ("chat.completion.chunk" if stream else "chat.completion") if self._chat else "text_completion"
        body = {"id": "faults-1", "object": kind, "created": CREATED, "model": self._model, "choices": choices}
        if usage:
            body["usage"] = self.usage()
        return body


def whole_body(reply: Reply, fault: Fault | None) -> bytes:
    """The body of a JSON answer with status 200."""
    if isinstance(fault, Malformed):
        return b'{"choices": [{"index": 0,'
    if isinstance(fault, ErrorEvent):
        return json.dumps(error(fault.message, "server_error", fault.code)).encode()
    if isinstance(fault, Refusal):
        return json.dumps(reply.refusal(structured=fault.structured)).encode()
    return json.dumps(reply.whole()).encode()


def embeddings(request: dict[str, Any], rule: Rule) -> dict[str, Any]:
    """One vector of eight numbers for each input, equal for equal inputs."""
    inputs = request.get("input", "")
    texts = inputs if isinstance(inputs, list) else [inputs]
    data = [
        {"object": "embedding", "index": i, "embedding": [((hash_of(text) >> 4 * k) % 16) / 16 for k in range(8)]}
        for i, text in enumerate(texts)
    ]
    body: dict[str, Any] = {"object": "list", "data": data, "model": request.get("model")}
    if rule.usage is not UsageReport.NEVER:
        tokens = sum(len(str(text).split()) for text in texts)
        body["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    return body


def hash_of(value: Any) -> int:
    """Equal in every process, unlike `hash`."""
    return int.from_bytes(str(value).encode()[-8:].rjust(8, b"\1"), "big") * 2_654_435_761


def _pieces(text: str) -> list[str]:
    """A text cut into words that join to it again, as tokens would."""
    words = text.split(" ")
    return [word if i == 0 else f" {word}" for i, word in enumerate(words)] if text else []
