"""What is sent to a model server: the client's own request, with only what must change changed."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

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
_REASONING, _REASONING_SWITCHES = "reasoning", frozenset({"effort", "max_tokens", "enabled"})
_TEMPLATE, _TEMPLATE_SWITCH = "chat_template_kwargs", "enable_thinking"
"""The three forms in which clients say how long to think: a word, an object, and a switch among others."""
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
    _set_effort(fields, operation, backend, effort)
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


def _set_effort(fields: _Fields, operation: Operation, backend: Backend, effort: Effort | None) -> None:
    """Says how long to think in the backend's own way, and in no other.

    The plan has weighed what the client asked for, in whichever form; what it did not grant must not reach the model.
    """
    fields.pop(_EFFORT, None)
    _take_out(fields, _REASONING, _REASONING_SWITCHES)
    _take_out(fields, _TEMPLATE, {_TEMPLATE_SWITCH})
    if effort is None or backend.reasoning.type is ReasoningType.NONE or operation is not Operation.CHAT:
        return
    if backend.reasoning.parameter is ReasoningParameter.REASONING_EFFORT:
        fields[_EFFORT] = _raw(effort.value.lower())
        return
    template = _object(fields.get(_TEMPLATE))
    if template is not None:
        fields[_TEMPLATE] = _raw({**template, _TEMPLATE_SWITCH: _raw(effort is not Effort.NONE)})


def _take_out(fields: _Fields, name: str, switches: AbstractSet[str]) -> None:
    """Removes switches from an object. What else it holds stays; an object that held nothing else goes too."""
    found = _object(fields.get(name))
    if not found or switches.isdisjoint(found):
        return
    rest = {key: value for key, value in found.items() if key not in switches}
    if rest:
        fields[name] = _raw(rest)
    else:
        del fields[name]


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
