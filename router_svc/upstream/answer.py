"""What a model server's answer, or one piece of a streamed one, says: content, refusal, end and usage. Pure.

Only the fields that matter here are decoded; the rest is skipped, and all is passed on as it came.
"""

from typing import Any

import msgspec

from pointsman.core.quota import Usage
from pointsman.core.tokens import token_weight

_MAX_COUNT = 1 << 32
"""More tokens than this are not believed: a broken count must not empty anyone's quota."""

_LONGEST_WORD = 32
_NOTHING = msgspec.Raw(b"")
_EMPTY = (b"", b"null", b"[]", b"{}", b'""')


class _Message(msgspec.Struct):
    """A `message`, or the `delta` of a streamed one. Types vary between servers, so few are demanded."""

    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    refusal: Any = None
    tool_calls: msgspec.Raw = _NOTHING
    function_call: msgspec.Raw = _NOTHING
    audio: msgspec.Raw = _NOTHING


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Message | None = None
    message: _Message | None = None
    text: Any = None
    finish_reason: Any = None


class _Answer(msgspec.Struct):
    choices: list[_Choice] | None = None
    data: msgspec.Raw = _NOTHING
    usage: msgspec.Raw = _NOTHING
    error: msgspec.Raw = _NOTHING
    model: Any = None


class Malformed(ValueError):
    """Not JSON."""


class Part(msgspec.Struct, frozen=True, gc=False):
    """What an answer or a piece of one says."""

    content: bool = False
    """There is something for the client: text, reasoning, or tool calls."""
    refused: bool = False
    """The model refused, or the content filter stopped it."""
    choices: tuple[int, ...] = ()
    finished: tuple[int, ...] = ()
    """Choices that end here."""
    reasons: tuple[str, ...] = ()
    """Why they do, in the words of the API."""
    model: str = ""
    """As the model server calls it."""
    has_data: bool = False
    """It holds embeddings."""
    tokens: float = 0.0
    """Estimated size of the content, reasoning included."""
    reasoning_tokens: float = 0.0
    usage: Usage | None = None
    error: bytes | None = None
    """JSON value of an error that came in place of content."""

    @property
    def usage_only(self) -> bool:
        """Nothing but the usage that ends a stream."""
        return self.usage is not None and not self.choices


_decode = msgspec.json.Decoder(_Answer).decode


def read(data: bytes) -> Part:
    """Reads a whole answer, or the data of one event. Raises Malformed.

    JSON of an unknown shape says nothing, and is no error: it may be an extension that the client knows.
    """
    try:
        answer = _decode(data)
    except msgspec.ValidationError:
        return Part()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("not JSON") from error
    choices = answer.choices or ()
    tokens = reasoning = 0.0
    refused = False
    finished: tuple[int, ...] = ()
    reasons: tuple[str, ...] = ()
    for choice in choices:
        message = choice.delta or choice.message
        if message is not None:
            tokens += _content_weight(message)
            if thought := message.reasoning_content or message.reasoning:
                reasoning += _weight(thought)
            refused = refused or bool(message.refusal)
        if choice.text:
            tokens += _weight(choice.text)
        if choice.finish_reason is not None:
            finished = (*finished, choice.index)
            reasons = (*reasons, _word(choice.finish_reason))
            refused = refused or choice.finish_reason == "content_filter"
    tokens += reasoning
    return Part(
        content=tokens > 0,
        refused=refused,
        choices=tuple([choice.index for choice in choices]),
        finished=finished,
        reasons=reasons,
        model=answer.model if isinstance(answer.model, str) else "",
        has_data=_value(answer.data) is not None,
        tokens=tokens,
        reasoning_tokens=reasoning,
        usage=read_usage(answer.usage),
        error=_value(answer.error),
    )


def read_usage(raw: msgspec.Raw) -> Usage | None:
    """The reported usage; None where there is none, or none that can be believed."""
    value = _value(raw)
    found = msgspec.json.decode(value) if value is not None else None
    if not isinstance(found, dict):
        return None
    prompt, total = _count(found.get("prompt_tokens")), _count(found.get("total_tokens"))
    completion = _count(found.get("completion_tokens"))
    if prompt is None:
        return None
    if completion is None:
        completion = max(total - prompt, 0) if total is not None else 0
    cached = _detail(found, "prompt_tokens_details", "cached_tokens") or _count(found.get("prompt_cache_hit_tokens"))
    thought = _detail(found, "completion_tokens_details", "reasoning_tokens")
    return Usage(
        prompt_tokens=prompt,
        cached_tokens=min(cached or 0, prompt),
        completion_tokens=completion,
        reasoning_tokens=min(thought or 0, completion),
    )


def _word(reason: Any) -> str:
    """One word, such as stop; what is none is not repeated."""
    return reason if isinstance(reason, str) and len(reason) <= _LONGEST_WORD and reason.isidentifier() else "other"


def _detail(usage: dict[str, Any], group: str, name: str) -> int | None:
    details = usage.get(group)
    return _count(details.get(name)) if isinstance(details, dict) else None


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_COUNT:
        return None
    return value


def _value(raw: msgspec.Raw) -> bytes | None:
    """A field that was not decoded; None if it is missing or empty."""
    if raw is _NOTHING:  # nearly always: nothing to copy
        return None
    value = bytes(raw)
    return None if value in _EMPTY else value


def _weight(content: Any) -> float:
    """Estimated tokens of a text, or of a list of parts."""
    return token_weight(content) if isinstance(content, str) else len(msgspec.json.encode(content)) / 4


def _content_weight(message: _Message) -> float:
    weight = _weight(message.content) if message.content else 0.0
    for raw in (message.tool_calls, message.function_call, message.audio):
        if raw is not _NOTHING and (value := _value(raw)) is not None:
            weight += len(value) / 4
    return weight
