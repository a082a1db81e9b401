"""The spans and metrics of a request, as a real OTLP collector receives them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from pointsman_faults.kinds import Cut, Refusal, Status
from pointsman_faults.script import Rule
from pointsman_faults.server import FaultServer

from pointsman.runtime import telemetry
from pointsman.v1 import router_pb2 as pb
from pointsman.v1 import router_pb2_grpc
from tests.data_plane.test_pipeline import CANARY, two
from tests.support.build import policy, route
from tests.support.calls import eventually
from tests.support.collector import Collector, collecting, environment
from tests.support.router import Running, by_word, running, served

CHAT = "POST /v1/chat/completions"
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as collector:
        yield collector


@asynccontextmanager
async def traced(
    folder: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch, objects: Any = two, **more: str
) -> AsyncIterator[Running]:
    """A router that sends its spans to the collector."""
    for name, value in environment(collector.address, **more).items():
        monkeypatch.setenv(name, value)
    with closing(telemetry.from_environment("pointsman-router")) as measured:
        async with running(
            folder, objects, "first", "second", telemetry=measured, classifier=by_word("code", "poetry")
        ) as router:
            yield router


def routed(faults: dict[str, FaultServer]) -> list[dict[str, Any]]:
    """A policy with two routes."""
    spec = {
        "routes": [route("code", "first"), route("poetry", "second")],
        "default": {"backends": [{"name": "second"}]},
    }
    return [served(faults["first"], "first"), served(faults["second"], "second"), policy(**spec)]


async def test_a_request_is_one_tree(tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    async with traced(tmp_path, collector, monkeypatch, routed) as router:
        response = await router.chat("please code something", max_tokens=50)
        assert response.status == 200
        await eventually(lambda: bool(collector.named(CHAT)))
        sent = router.faults["first"].requests[-1]

    root = collector.one(CHAT)
    assert (root.kind, root.parent, root.service) == ("SERVER", "", "pointsman-router")
    assert collector.beneath(root) == ["classify", "decide", "chat org/first"]
    assert root.attributes["http.response.status_code"] == 200
    assert root.attributes["http.route"] == "/v1/chat/completions"
    assert root.attributes["pointsman.decision.id"] == response.headers["x-pointsman-decision-id"]
    assert root.attributes["pointsman.route"] == "code"
    assert root.attributes["pointsman.policy"] == "ai/assistant"
    assert root.attributes["pointsman.outcome"] == "Clean"
    assert root.attributes["pointsman.backend"] == "ai/first"

    classify, decide = collector.one("classify"), collector.one("decide")
    assert classify.attributes["pointsman.classifier.outcome"] == "Answered"
    assert decide.attributes["pointsman.candidates"][0] == "ai/first"
    assert "RouteClassified" in decide.attributes["pointsman.reasons"]

    inference = collector.one("chat org/first")
    assert inference.kind == "CLIENT"
    assert inference.attributes["gen_ai.operation.name"] == "chat"
    assert inference.attributes["gen_ai.request.model"] == "org/first"
    assert inference.attributes["gen_ai.request.max_tokens"] == 50
    assert inference.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert inference.attributes["gen_ai.response.model"]
    assert inference.attributes["gen_ai.usage.output_tokens"] > 0
    assert inference.attributes["server.port"] == router.faults["first"].port
    assert collector.beneath(inference) == ["POST"]

    call = collector.one("POST")
    assert call.kind == "CLIENT"
    assert call.attributes["url.full"].endswith("/v1/chat/completions")
    assert call.attributes["http.response.status_code"] == 200
    assert sent.headers["traceparent"].split("-")[1:3] == [call.trace, call.id]


async def test_each_candidate_has_its_span_and_each_attempt_beneath_it(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with traced(tmp_path, collector, monkeypatch) as router:
        router.faults["first"].play(Rule(fault=Status(status=503)))
        response = await router.chat()
        assert response.headers["x-pointsman-backend"] == "ai/second"
        await eventually(lambda: bool(collector.named(CHAT)))

    root, failed, answered = collector.one(CHAT), collector.one("chat org/first"), collector.one("chat org/second")
    assert collector.beneath(root) == ["decide", "chat org/first", "chat org/second"]
    assert failed.error
    assert failed.attributes["error.type"] == "Overloaded"
    assert not answered.error
    assert not root.error
    assert root.attributes["pointsman.attempts"] == 2
    calls = {span.parent: span for span in collector.named("POST")}
    assert calls[failed.id].attributes["http.response.status_code"] == 503
    assert calls[failed.id].attributes["error.type"] == "503"
    assert failed.ended <= answered.ended


async def test_an_endpoint_that_cannot_be_reached_is_another_attempt_of_the_same_candidate(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def objects(faults: dict[str, FaultServer]) -> list[dict[str, Any]]:
        """`first` has an endpoint where nobody listens, beside a good one."""
        service = {"serviceRef": {"name": "models", "port": 80}}
        slices = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "models-1", "namespace": "ai", "labels": {"kubernetes.io/service-name": "models"}},
            "addressType": "IPv4",
            "ports": [{"name": "", "port": faults["first"].port, "protocol": "TCP"}],
            "endpoints": [{"addresses": ["127.0.0.1"]}, {"addresses": ["127.0.0.77"]}],
        }
        first = {**served(faults["first"], "first")}
        first["spec"] = {**first["spec"], "endpoints": service}
        return [first, slices, policy(default={"backends": [{"name": "first"}]})]

    async with traced(tmp_path, collector, monkeypatch, objects) as router:
        for _ in range(20):  # which endpoint is asked first is a matter of chance
            assert (await router.chat()).status == 200
            if len([span for span in collector.spans if span.attributes.get("error.type") == "ConnectError"]):
                break
        await eventually(lambda: any(span.attributes.get("http.request.resend_count") for span in collector.spans))
        await eventually(lambda: len(collector.named(CHAT)) == len(collector.named("chat org/first")))

    again = next(span for span in collector.spans if span.attributes.get("http.request.resend_count"))
    inference = next(span for span in collector.spans if span.id == again.parent)
    assert collector.beneath(inference) == ["POST", "POST"]
    assert not inference.error
    lost = next(span for span in collector.spans if span.parent == inference.id and span.id != again.id)
    assert lost.attributes["error.type"] == "ConnectError"
    assert "http.response.status_code" not in lost.attributes


async def test_a_streams_span_ends_with_the_stream(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with traced(tmp_path, collector, monkeypatch) as router:
        router.faults["first"].play(Rule(tokens=5, inter_token=0.02))
        response = await router.chat(stream=True)
        assert "[DONE]" in await response.text()
        await eventually(lambda: bool(collector.named(CHAT)))
        root, inference, call = collector.one(CHAT), collector.one("chat org/first"), collector.one("POST")
        assert inference.attributes["gen_ai.request.stream"] is True
        assert inference.attributes["gen_ai.response.time_to_first_chunk"] > 0
        assert inference.attributes["gen_ai.usage.output_tokens"] == 5
        assert inference.attributes["gen_ai.response.finish_reasons"] == ["stop"]
        assert (inference.ended - inference.started) / 1e9 > inference.attributes["gen_ai.response.time_to_first_chunk"]
        assert call.ended <= inference.ended <= root.ended

        router.faults["first"].play(Rule(fault=Cut(after_tokens=2)))
        await router.chat(stream=True)
        await eventually(lambda: len(collector.named(CHAT)) == 2)
        cut = collector.named("chat org/first")[-1]
        assert (cut.error, cut.attributes["error.type"]) == (True, "Cut")

        router.faults["first"].play(Rule(tokens=500, inter_token=0.05))
        async with router.open() as response:
            await response.content.readline()
        await eventually(lambda: len(collector.named(CHAT)) == 3)
        left = collector.named("chat org/first")[-1]
        assert (left.error, left.attributes["pointsman.outcome"]) == (False, "Cancelled")


async def test_the_callers_trace_and_its_sampling_are_followed(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with traced(tmp_path, collector, monkeypatch) as router:
        no = CALLER.removesuffix("01") + "00"
        await router.chat(headers={"traceparent": no, "tracestate": "a=b"})
        unsampled = router.faults["first"].requests[-1].headers
        await router.chat(headers={"traceparent": CALLER, "tracestate": "a=b", "baggage": "user=x"})
        sampled = router.faults["first"].requests[-1].headers
        await eventually(lambda: bool(collector.named(CHAT)))

    assert [unsampled["traceparent"][:36], unsampled["traceparent"][-2:]] == [no[:36], "00"]
    assert unsampled["traceparent"] != no
    assert sampled["tracestate"] == unsampled["tracestate"] == "a=b"
    assert "baggage" not in sampled
    root = collector.one(CHAT)
    assert (root.trace, root.parent) == (CALLER[3:35], CALLER[36:52])
    assert sampled["traceparent"].split("-")[1] == root.trace


async def test_a_sampler_is_chosen_by_the_environment(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with traced(tmp_path, collector, monkeypatch, OTEL_TRACES_SAMPLER="parentbased_always_off") as router:
        assert (await router.chat()).status == 200
        flags = router.faults["first"].requests[-1].headers["traceparent"][-2:]
        assert not int(flags, 16) & 1  # the other bits say nothing of sampling
        await router.chat(headers={"traceparent": CALLER})
        await eventually(lambda: bool(collector.named(CHAT)))
    assert len(collector.named(CHAT)) == 1


async def test_grpc_has_the_same_tree(tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "hello"}]}).encode()
    unknown = json.dumps({"model": "nobody", "messages": [{"role": "user", "content": "hello"}]}).encode()
    async with (
        traced(tmp_path, collector, monkeypatch) as router,
        grpc.aio.insecure_channel(f"127.0.0.1:{router.router.grpc_port}") as channel,
    ):
        stub = router_pb2_grpc.RouterStub(channel)
        call = stub.Generate(
            pb.GenerateRequest(operation=pb.OPERATION_CHAT, body=body), metadata=(("traceparent", CALLER),)
        )
        assert [message async for message in call]
        await stub.Decide(pb.DecideRequest(operation=pb.OPERATION_CHAT, body=body))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Decide(pb.DecideRequest(operation=pb.OPERATION_CHAT, body=unknown))
        router.faults["first"].play(Rule(fault=Status(status=500)))
        router.faults["second"].play(Rule(fault=Status(status=500)))
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            assert [message async for message in stub.Generate(pb.GenerateRequest(body=body))]
        await eventually(lambda: len([span for span in collector.spans if span.kind == "SERVER"]) == 4)

    generate, broken = collector.named("pointsman.v1.Router/Generate")
    assert (generate.parent, generate.attributes["rpc.response.status_code"]) == (CALLER[36:52], "OK")
    assert collector.beneath(generate) == ["decide", "chat org/first"]
    assert (broken.error, broken.attributes["rpc.response.status_code"]) == (True, failed.value.code().name)
    decided, unheard = collector.named("pointsman.v1.Router/Decide")
    assert collector.beneath(decided) == ["decide"]
    assert (unheard.error, unheard.attributes["rpc.response.status_code"]) == (False, refused.value.code().name)
    assert "pointsman.model" not in unheard.attributes


async def test_metrics_have_the_names_and_values_of_the_conventions(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with traced(tmp_path, collector, monkeypatch, OTEL_TRACES_EXPORTER="none") as router:
        router.faults["first"].play(Rule(fault=Status(status=500)))
        await router.chat()
        await (await router.chat(stream=True)).text()
        await eventually(lambda: "gen_ai.client.operation.time_to_first_chunk" in collector.metrics)
        durations = collector.metrics["gen_ai.client.operation.duration"]
    by = {(point["gen_ai.request.model"], point.get("error.type")): point["count"] for point in durations}
    assert by == {("org/first", "ServerError"): 2, ("org/second", None): 2}
    tokens = collector.metrics["gen_ai.client.token.usage"]
    assert {point["gen_ai.token.type"] for point in tokens} == {"input", "output"}
    assert all(point["sum"] > 0 for point in tokens)
    assert {point["gen_ai.operation.name"] for point in tokens} == {"chat"}
    assert collector.spans == []


async def test_nothing_that_is_sent_holds_text(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = [
        Rule(text=f"answer {CANARY}"),
        Rule(fault=Status(status=500, message=CANARY)),
        Rule(fault=Cut(after_tokens=2), text=f"{CANARY} " * 9),
        Rule(fault=Refusal()),
    ]
    async with traced(tmp_path, collector, monkeypatch, routed) as router:
        for rule in rules:
            router.faults["first"].play(rule)
            router.faults["second"].play(Rule(fault=Status(status=503, message=CANARY)))
            for stream in (False, True):
                await router.chat(f"secret code {CANARY}", stream=stream, user=CANARY)
        await router.post("/v1/chat/completions", {"model": "auto", "messages": CANARY})
        await router.chat(CANARY, model=CANARY)
        await router.get(f"/{CANARY}")
        await eventually(lambda: len(collector.named(CHAT)) == 10)
        await eventually(lambda: bool(collector.metrics))
    assert CANARY.encode() not in collector.raw
    assert b"about code" not in collector.raw, "a route's description is not repeated either"


async def test_who_has_no_key_leaves_no_trace(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(collector.address).items():
        monkeypatch.setenv(name, value)
    keys = tmp_path / "keys.yaml"
    keys.write_text("keys: []\n")
    (tmp_path / "policies").mkdir()
    with closing(telemetry.from_environment("pointsman-router")) as measured:
        async with running(tmp_path / "policies", two, "first", "second", telemetry=measured, keys=keys) as router:
            assert (await router.chat()).status == 401
    assert collector.spans == []
