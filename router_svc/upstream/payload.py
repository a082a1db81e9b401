"""What is sent to a model server: the client's own request, with only what must change changed."""

from collections.abc import Mapping

import msgspec

from pointsman.core.request import Effort, Operation
from pointsman.core.resources.backend import ReasoningParameter, ReasoningType
from pointsman.core.snapshot import Backend
from router_svc.exchange import Body, Payload

PATHS = {
    Operation.CHAT: "/v1/chat/completions",
    Operation.COMPLETION: "/v1/completions",
    Operation.EMBEDDINGS: "/v1/embeddings",
}

_PASSED_ON = ("traceparent", "tracestate")
_EFFORT = "reasoning_effort"
_TEMPLATE = "chat_template_kwargs"
_STREAM_OPTIONS = "stream_options"

_Fields = dict[str, msgspec.Raw]


def build(
    body: Body,
    operation: Operation,
    backend: Backend,
    effort: Effort | None,
    *,
    headers: Mapping[str, str] | None = None,
) -> Payload:
    """The request for one candidate.

    Fields that need no change reach the model server as the client's own bytes, in the client's order. Of `headers`
    (names in lower case) only the trace context goes on: neither the client's key nor any x-pointsman-* header does.
    The backend's own credential is added at the call, so that a payload holds no secret.
    """
    fields = dict(body.fields)
    fields["model"] = _raw(backend.model)
    _set_effort(fields, body, operation, backend, effort)
    stream = body.stream and operation is not Operation.EMBEDDINGS
    if stream:
        _ask_for_usage(fields)
    passed_on = {name: headers[name] for name in _PASSED_ON if name in headers} if headers else {}
    return Payload(
        path=PATHS[operation],
        body=msgspec.json.encode(fields),
        headers={"content-type": "application/json", **passed_on},
        stream=stream,
        strip_usage=stream and not body.include_usage,
        prompt_tokens=body.prompt_tokens,
    )


def _set_effort(fields: _Fields, body: Body, operation: Operation, backend: Backend, effort: Effort | None) -> None:
    """Says how long to think in the backend's own way, and not at all where it has none."""
    reasoning = backend.reasoning
    by_effort = reasoning.type is not ReasoningType.NONE and reasoning.parameter is ReasoningParameter.REASONING_EFFORT
    if not by_effort or (effort is None and body.effort is not None):
        # The backend does not know the field, or the plan does not grant what the client asked for. A value that
        # this router does not know (body.effort is None) is left to the backend.
        fields.pop(_EFFORT, None)
    if effort is None or reasoning.type is ReasoningType.NONE or operation is not Operation.CHAT:
        return
    if by_effort:
        fields[_EFFORT] = _raw(effort.value.lower())
    else:
        thinking = {"enable_thinking": _raw(effort is not Effort.NONE)}
        template = _object(fields.get(_TEMPLATE))
        if template is not None:  # what the client set itself comes first
            fields[_TEMPLATE] = _raw({**thinking, **template})


def _ask_for_usage(fields: _Fields) -> None:
    """Usage is always asked for; the client's other stream options stay."""
    options = _object(fields.get(_STREAM_OPTIONS))
    if options is not None:
        fields[_STREAM_OPTIONS] = _raw({**options, "include_usage": _raw(True)})


def _object(raw: msgspec.Raw | None) -> _Fields | None:
    """The fields of a JSON object, none for null or nothing; None for another type, which the backend shall refuse."""
    if raw is None or bytes(raw) == b"null":
        return {}
    try:
        return msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return None


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
