"""What clients are told: errors, headers, plans and models."""

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core import errors as core
from pointsman.core.plan import Candidate, Code, Plan, Reason, Refusal, RefusalKind, Rejection
from pointsman.core.request import Effort, Operation
from pointsman.core.signals import Classification, Score, Signals
from router_svc import sse
from router_svc.openai import errors, explain, headers, models
from router_svc.openai.explain import Explanation
from router_svc.openai.models import ModelEntry
from tests.support.pipeline import DONE, Events, chunk

CANDIDATE = Candidate(
    backend="ai/qwen",
    effort=Effort.LOW,
    quality=0.81234567,
    cost=1_500_000_000,
    tier="code",
    reasons=(Reason(Code.BEST_QUALITY), Reason(Code.ROUTE_CLASSIFIED)),
)
PLAN = Plan(
    id="d-1",
    snapshot="s-1",
    model="auto",
    policy="ai/assistant",
    route="code",
    reasons=(Reason(Code.ROUTE_CLASSIFIED, {"probability": 0.9}),),
    candidates=(CANDIDATE,),
    rejected=(Rejection("ai/small", Reason(Code.NO_TOOLS)),),
)
SIGNALS = Signals(language="de", classification=Classification(routes={"code": 0.9}, difficulty=Score(0.5, 0.7)))
EXPLANATION = Explanation(PLAN, SIGNALS)


def test_every_error_has_a_status_and_openais_shape() -> None:
    def classes(cls: type[core.RequestError]) -> set[type[core.RequestError]]:
        return {cls}.union(*(classes(sub) for sub in cls.__subclasses__() if sub.__module__ == core.__name__))

    for cls in classes(core.RequestError):
        error = cls("what and how", param="model")
        assert cls in errors.STATUSES
        assert 400 <= errors.status(error).http < 600
        body = json.loads(errors.body(error))["error"]
        assert body == {"message": "what and how", "type": cls.kind, "param": "model", "code": cls.code}


def test_a_subclass_has_the_status_of_its_parent() -> None:
    class Special(core.TooLarge):
        pass

    assert errors.status(Special("x")).http == 413


def test_retry_after_is_whole_seconds_and_at_least_one() -> None:
    assert errors.headers(core.Overloaded("x", retry_after=0.2)) == {"retry-after": "1"}
    assert errors.headers(core.Overloaded("x", retry_after=2.1)) == {"retry-after": "3"}
    assert errors.headers(core.Unauthenticated("x")) == {"www-authenticate": "Bearer"}


def test_long_messages_are_cut() -> None:
    assert len(errors.body(core.UnknownModel("x" * 100_000))) < 4200
    assert json.loads(errors.body(core.UnknownModel("abcdef"), 4))["error"]["message"] == "abc…"


@pytest.mark.parametrize("kind", RefusalKind)
def test_every_refusal_is_an_error(kind: RefusalKind) -> None:
    error = errors.refused(Refusal(kind, "why", "code_of_it", 3.0))
    assert (error.message, error.code, error.retry_after) == ("why", "code_of_it", 3.0)


@pytest.mark.parametrize(("http", "grpc"), [(400, "INVALID_ARGUMENT"), (418, "INVALID_ARGUMENT"), (503, "UNAVAILABLE")])
def test_a_model_servers_status_has_a_grpc_status(http: int, grpc: str) -> None:
    assert errors.grpc_status(http) == grpc


def test_headers_say_why() -> None:
    assert headers.decision_headers(PLAN, CANDIDATE, 2, "Qwen/Qwen3-32B") == {
        "x-pointsman-decision-id": "d-1",
        "x-pointsman-model": "Qwen/Qwen3-32B",
        "x-pointsman-backend": "ai/qwen",
        "x-pointsman-route": "code",
        "x-pointsman-reason": "RouteClassified,BestQuality",
        "x-pointsman-attempts": "2",
    }
    downgraded = msgspec.structs.replace(PLAN, downgraded="free-5h", route=None)
    found = headers.decision_headers(downgraded, None, 0, None)
    assert found["x-pointsman-downgraded"] == "free-5h"
    assert found["x-pointsman-attempts"] == "0"
    assert not {"x-pointsman-model", "x-pointsman-backend", "x-pointsman-route"} & found.keys()


@given(st.text(st.characters(codec=None), max_size=600))
def test_no_name_breaks_a_header(text: str) -> None:
    plan = msgspec.structs.replace(PLAN, route=text, downgraded=text)
    for value in headers.decision_headers(plan, CANDIDATE, 1, text or "x").values():
        assert re.fullmatch(r"[!-~]{1,512}", value)


@given(st.dictionaries(st.text(max_size=5), st.integers(), max_size=3), st.sampled_from(["", " ", "\n"]))
def test_a_plan_joins_the_body_and_leaves_the_rest(answer: dict[str, int], space: str) -> None:
    body = space + json.dumps(answer, indent=2 if space else None) + space
    explained = explain.in_body(body.encode(), EXPLANATION)
    decoded = json.loads(explained)
    plan = decoded.pop("pointsman")
    assert decoded == {key: value for key, value in answer.items() if key != "pointsman"}
    assert explained.startswith(body.strip()[:-1].rstrip().encode())
    assert plan["candidates"][0]["cost"] == "0.0015"
    assert plan["rejected"] == [{"backend": "ai/small", "code": "NoTools", "detail": {}}]
    assert plan["signals"]["difficulty"] == {"value": 0.5, "confidence": 0.7}


def test_a_body_that_is_no_object_stays_as_it_is() -> None:
    assert explain.in_body(b"[1]", EXPLANATION) == b"[1]"


async def test_a_plan_is_one_more_event_before_the_end() -> None:
    events = Events(chunk("a"), DONE)
    sent = [event async for event in explain.in_stream(events, Operation.CHAT, EXPLANATION)]
    assert [sent[0], sent[2]] == [chunk("a"), DONE]
    added = json.loads(sse.data(sent[1]))
    assert added["choices"] == []
    assert added["object"] == "chat.completion.chunk"
    assert added["pointsman"]["route"] == "code"
    assert events.closed.is_set()


async def test_a_broken_stream_gets_no_plan_and_closing_it_closes_the_source() -> None:
    events = Events(chunk("a"), chunk("b"))
    assert [event async for event in explain.in_stream(events, Operation.CHAT, EXPLANATION)] == [chunk("a"), chunk("b")]
    events = Events(chunk("a"), chunk("b"))
    stream = explain.in_stream(events, Operation.CHAT, EXPLANATION)
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    assert events.closed.is_set()


def test_models() -> None:
    entries = [ModelEntry(id="auto"), ModelEntry(id="Qwen/Qwen3-32B", owned_by="ai")]
    listed = json.loads(models.render_list(entries))
    assert listed["object"] == "list"
    assert listed["data"][0] == {"id": "auto", "object": "model", "created": 0, "owned_by": "pointsman"}
    assert json.loads(models.render_one(entries, "Qwen/Qwen3-32B"))["owned_by"] == "ai"
    with pytest.raises(core.UnknownModel, match=r"available: auto, Qwen/Qwen3-32B"):
        models.render_one(entries, "gpt")


@pytest.mark.parametrize(
    ("event", "data"),
    [
        (b"data: {}\n\n", b"{}"),
        (b"data:{}\n\n", b"{}"),
        (b"event: x\ndata: {}\n\n", b"{}"),
        (b"data: a\ndata: b\n\n", b"a\nb"),
        (b": comment\n\n", b""),
        (b"data: {}\r\n\r\n", b"{}"),
    ],
)
def test_the_data_of_an_event(event: bytes, data: bytes) -> None:
    assert sse.data(event) == data
    assert not sse.is_done(event)


@pytest.mark.parametrize("event", [DONE, b"data:[DONE]\n\n", b"data: [DONE]\r\n\r\n"])
def test_the_marker_of_the_end(event: bytes) -> None:
    assert sse.is_done(event)
