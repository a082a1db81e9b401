"""The fields of OpenAI's requests that a router must understand, typed; everything else is left alone.

What a model server could accept is not refused here: unknown fields, roles and part types pass. A field that is
listed must have its type, since a router that misread `max_tokens` or `stream` would meter or answer wrongly.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
ModelName = Annotated[str, Meta(min_length=1, max_length=512)]
UserName = Annotated[str, Meta(max_length=512)]  # it becomes part of quota keys, so it is bounded

NO_RAW = Raw(b"")


class Part(Struct, frozen=True):
    """One part of a message's content."""

    type: str = "text"
    text: str | None = None
    refusal: str | None = None


class Message(Struct, frozen=True):
    """One message of a chat."""

    role: str
    content: str | list[Part] | None = None
    tool_calls: Raw = NO_RAW
    function_call: Raw = NO_RAW


class ResponseFormat(Struct, frozen=True):
    """What shape the answer must have."""

    type: str = "text"


class StreamOptions(Struct, frozen=True):
    """What a stream carries besides content."""

    include_usage: bool | None = None


class Fields(Struct, frozen=True, kw_only=True):
    """What all operations share."""

    model: ModelName
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    reasoning_effort: str | None = None
    reasoning: Raw = NO_RAW
    """Some clients send {"effort": …}; other shapes belong to other dialects and pass."""
    chat_template_kwargs: Raw = NO_RAW
    """Clients of vLLM, SGLang and llama.cpp send {"enable_thinking": …}."""
    tools: list[Raw] | None = None
    functions: list[Raw] | None = None
    response_format: ResponseFormat | None = None
    n: Annotated[int, Meta(ge=1, le=1024)] | None = None
    user: UserName | None = None


class ChatFields(Fields, frozen=True, kw_only=True):
    """A chat completion."""

    messages: Annotated[list[Message], Meta(min_length=1)]


Prompt = str | Annotated[list[str | int | list[int]], Meta(min_length=1)]
"""A text, texts, the tokens of one text, or those of several."""


class CompletionFields(Fields, frozen=True, kw_only=True):
    """A text completion."""

    prompt: Prompt


class EmbeddingsFields(Fields, frozen=True, kw_only=True):
    """Embeddings."""

    input: Prompt


class ReasoningObject(msgspec.Struct, frozen=True):
    """The `reasoning` object of some clients."""

    effort: str | None = None


class TemplateObject(msgspec.Struct, frozen=True):
    """The `chat_template_kwargs` of some clients."""

    enable_thinking: bool | None = None
