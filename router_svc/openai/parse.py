"""From the bytes of a request to a `Body`: the client's own bytes by field, and the facts read from them.

Whatever the bytes are, the result is a `Body` or an `InvalidRequest` that names the field and the fix. Of repeated
fields the last counts. No message repeats any value of the request.
"""

import msgspec

from pointsman.core.errors import InvalidRequest
from pointsman.core.request import Effort, Operation
from router_svc.exchange import Body
from router_svc.openai import content, problems
from router_svc.openai.fields import (
    ChatFields,
    CompletionFields,
    EmbeddingsFields,
    Fields,
    ReasoningObject,
    TemplateObject,
)

_RAW_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_CHAT = msgspec.json.Decoder(ChatFields)
_COMPLETION = msgspec.json.Decoder(CompletionFields)
_EMBEDDINGS = msgspec.json.Decoder(EmbeddingsFields)
_REASONING = msgspec.json.Decoder(ReasoningObject)
_TEMPLATE = msgspec.json.Decoder(TemplateObject)

_EFFORTS = {effort.value.lower(): effort for effort in Effort} | {"max": Effort.X_HIGH}  # newer clients' word for most
_STRUCTURED = frozenset({"json_object", "json_schema"})


def parse(operation: Operation, body: bytes) -> Body:
    """Read a request body."""
    try:
        body.decode()  # fields that nobody reads must be text too: model servers refuse anything else
        raw = _RAW_FIELDS.decode(body)
        fields, said = _read(operation, body)
    except UnicodeDecodeError as error:
        raise problems.not_utf8(error.start) from None  # its cause would hold the request's text
    except RecursionError:
        raise problems.too_deep() from None
    except msgspec.ValidationError as error:
        raise problems.wrong_field(str(error)) from None
    except msgspec.DecodeError as error:
        raise problems.malformed(str(error), body) from None
    return _body(raw, fields, said)


def _read(operation: Operation, body: bytes) -> tuple[Fields, content.Content]:
    match operation:
        case Operation.CHAT:
            chat = _CHAT.decode(body)
            return chat, content.of_messages(chat.messages)
        case Operation.COMPLETION:
            completion = _COMPLETION.decode(body)
            return completion, content.of_prompt(completion.prompt)
        case Operation.EMBEDDINGS:
            embeddings = _EMBEDDINGS.decode(body)
            return embeddings, content.of_prompt(embeddings.input)


def _body(raw: dict[str, msgspec.Raw], fields: Fields, said: content.Content) -> Body:
    format_type = fields.response_format.type if fields.response_format else "text"
    shown = sum(content.raw_tokens(raw.get(name)) for name in ("tools", "functions"))
    if format_type == "json_schema":
        shown += content.raw_tokens(raw.get("response_format"))
    newer, older = fields.max_completion_tokens, fields.max_tokens
    return Body(
        fields=raw,
        model=fields.model,
        turns=said.turns,
        prompt_tokens=said.tokens + shown,
        max_output_tokens=older if newer is None else newer,
        effort=_effort(fields),
        tools=bool(fields.tools or fields.functions),
        vision=said.media,
        json=format_type in _STRUCTURED,
        stream=bool(fields.stream),
        include_usage=bool(fields.stream_options and fields.stream_options.include_usage),
        user=fields.user or "",
    )


def _effort(fields: Fields) -> Effort | None:
    """The reasoning effort that the client set."""
    name, param = fields.reasoning_effort, "reasoning_effort"
    if name is None:
        name, param = _nested_effort(fields.reasoning), "reasoning.effort"
    if name is None:
        return _switched(fields.chat_template_kwargs)
    try:
        return _EFFORTS[name.lower()]
    except KeyError:
        raise InvalidRequest(
            f"{param} must be one of {', '.join(_EFFORTS)}.", code="invalid_value", param=param
        ) from None


def _nested_effort(reasoning: msgspec.Raw) -> str | None:
    try:
        return _REASONING.decode(bytes(reasoning)).effort
    except msgspec.DecodeError:  # absent, or another dialect's shape
        return None


def _switched(template: msgspec.Raw) -> Effort | None:
    """Thinking as a switch; on is the effort in the middle."""
    try:
        thinks = _TEMPLATE.decode(bytes(template)).enable_thinking
    except msgspec.DecodeError:  # absent, or another dialect's shape
        return None
    return None if thinks is None else Effort.MEDIUM if thinks else Effort.NONE
