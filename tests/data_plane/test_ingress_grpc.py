"""The gRPC API over real sockets: the same answers, errors as statuses, cancellation, health and reflection."""

import asyncio
import json

import grpc
import msgspec
import pytest
from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from pointsman.core.errors import InvalidRequest, QuotaExceeded, UnknownModel
from pointsman.core.plan import Candidate, Code, Reason, Refusal, RefusalKind, Rejection
from pointsman.core.quota import Usage
from pointsman.core.request import Effort, Operation
from pointsman.core.signals import Classification, ClassifierOutcome, Score, Signals
from pointsman.runtime.drain import Phase
from pointsman.v1 import router_pb2 as pb
from pointsman.v1 import router_pb2_grpc
from router_svc.exchange import Answer, Incoming
from router_svc.ingress.grpc import ERROR_KEY
from router_svc.ingress.http_body import MAX_BODY_BYTES
from router_svc.limits import Gate
from router_svc.openai import errors
from router_svc.openai.explain import Explanation
from tests.support.pipeline import DONE, FACTS, PLAN, Events, FakePipeline, chunk, completion
from tests.support.serving import Serving, serve

CANARY = "sw0rdfish"
BODY = json.dumps({"model": "auto", "messages": [{"role": "user", "content": CANARY}]}).encode()
USED = Usage(prompt_tokens=3, cached_tokens=1, completion_tokens=5, reasoning_tokens=2)
CANDIDATE = Candidate(
    backend="ai/qwen", effort=Effort.HIGH, quality=0.8, cost=10**15, tier="code", reasons=(Reason(Code.BEST_QUALITY),)
)
EXPLANATION = Explanation(
    msgspec.structs.replace(
        PLAN,
        policy="ai/assistant",
        route="code",
        reasons=(Reason(Code.ROUTE_CLASSIFIED, {"probability": 0.9}),),
        candidates=(CANDIDATE,),
        rejected=(Rejection("ai/small", Reason(Code.NO_TOOLS)),),
    ),
    Signals(
        language="de",
        classifier=ClassifierOutcome.ANSWERED,
        classification=Classification(routes={"code": 0.9}, difficulty=Score(0.5, 0.7)),
    ),
)
REFUSED = Explanation(
    msgspec.structs.replace(PLAN, refusal=Refusal(RefusalKind.QUOTA_EXCEEDED, "spent", "quota_exceeded", 9.0)),
    Signals(),
)
GENERATE = pb.GenerateRequest(body=BODY)


async def generated(serving: Serving, request: pb.GenerateRequest = GENERATE) -> list[pb.GenerateResponse]:
    async with serving.channel() as channel:
        return [message async for message in router_pb2_grpc.RouterStub(channel).Generate(request)]


async def failed(serving: Serving, request: pb.GenerateRequest = GENERATE) -> tuple[grpc.StatusCode, dict[str, object]]:
    """Status and OpenAI error of a call that fails."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await generated(serving, request)
    trailing = dict(caught.value.trailing_metadata())
    assert CANARY not in (caught.value.details() or "")
    return caught.value.code(), json.loads(trailing[ERROR_KEY])["error"] if ERROR_KEY in trailing else {}


async def test_a_whole_answer() -> None:
    pipeline = FakePipeline(Answer(body=completion("hi"), headers=FACTS, used=lambda: USED))
    async with serve(pipeline) as serving, serving.channel() as channel:
        call = router_pb2_grpc.RouterStub(channel).Generate(
            pb.GenerateRequest(operation=pb.OPERATION_CHAT, body=BODY),
            metadata=(("authorization", "Bearer k"), ("x-team", "a"), ("x-team", "b"), ("x-bin", b"\0")),
        )
        facts, body, ending = [message async for message in call]
    assert facts.facts == ending.ending.facts
    assert facts.facts == pb.Facts(
        decision_id="d-1",
        model="Qwen/Qwen3-32B",
        backend="ai/qwen3-32b",
        route="code",
        reason=["RouteClassified", "BestQuality"],
        attempts=1,
    )
    assert body.chunk == completion("hi")
    assert ending.ending.usage == pb.Usage(prompt_tokens=3, cached_tokens=1, completion_tokens=5, reasoning_tokens=2)
    asked = pipeline.asked[0]
    assert (asked.operation, asked.body) == (Operation.CHAT, BODY)
    assert asked.headers["authorization"] == "Bearer k"
    assert asked.headers["x-team"] == "a, b"
    assert "x-bin" not in asked.headers


async def test_a_stream() -> None:
    events = Events(chunk("one"), b": still thinking\n\n", chunk("two"), DONE)
    async with serve(FakePipeline(Answer(events=events, headers=FACTS))) as serving:
        facts, *chunks, ending = await generated(serving)
    assert facts.facts.decision_id == "d-1"
    assert [b"data: " + message.chunk + b"\n\n" for message in chunks] == [chunk("one"), chunk("two")]
    assert ending.ending.facts.attempts == 1
    assert events.closed.is_set()


@pytest.mark.parametrize(
    ("operation", "read"),
    [
        (pb.OPERATION_UNSPECIFIED, Operation.CHAT),
        (pb.OPERATION_COMPLETION, Operation.COMPLETION),
        (pb.OPERATION_EMBEDDINGS, Operation.EMBEDDINGS),
    ],
)
async def test_operations(operation: pb.Operation, read: Operation) -> None:
    pipeline = FakePipeline(Answer(body=b"{}"))
    async with serve(pipeline) as serving:
        await generated(serving, pb.GenerateRequest(operation=operation, body=BODY))
    assert pipeline.asked[0].operation is read


async def test_a_broken_stream_has_an_error_status() -> None:
    async with serve(FakePipeline(Answer(events=Events(chunk("one"))))) as serving:
        code, error = await failed(serving)
    assert (code, error["code"]) == (grpc.StatusCode.UNAVAILABLE, "upstream_cut")
    said = errors.event(InvalidRequest("it broke", code="why"))
    async with serve(FakePipeline(Answer(events=Events(chunk("one"), said)))) as serving:
        code, error = await failed(serving)
    assert (code, error["code"]) == (grpc.StatusCode.UNAVAILABLE, "why")


async def test_errors_are_statuses_with_openais_error() -> None:
    answer = Answer(error=QuotaExceeded("spent", retry_after=9.5), headers=FACTS)
    async with serve(FakePipeline(answer)) as serving:
        assert (await failed(serving))[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await generated(serving)
    trailing = dict(caught.value.trailing_metadata())
    assert (trailing["retry-after"], trailing["x-pointsman-decision-id"]) == ("10", "d-1")
    assert caught.value.details() == "spent"


async def test_long_and_foreign_errors_fit_into_metadata() -> None:
    async with serve(FakePipeline(Answer(error=UnknownModel("modèle " * 10_000)))) as serving:
        code, error = await failed(serving)
    assert code is grpc.StatusCode.NOT_FOUND
    assert str(error["message"]).startswith("modèle")
    own = {"error": {"message": CANARY, "code": "context_length_exceeded"}}
    async with serve(FakePipeline(Answer(status=400, body=json.dumps(own).encode()))) as serving:
        code, error = await failed(serving)
    assert (code, error["code"]) == (grpc.StatusCode.INVALID_ARGUMENT, "context_length_exceeded")


async def test_a_bug_is_internal_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def bug(_: Incoming) -> Answer:
        raise ValueError(CANARY)

    async with serve(FakePipeline(bug)) as serving:
        code, error = await failed(serving)
    assert (code, error["code"]) == (grpc.StatusCode.INTERNAL, "internal_error")
    assert CANARY not in caplog.text


async def test_the_limit_is_that_of_http() -> None:
    async with serve(FakePipeline(Answer(body=b"{}"))) as serving:
        await generated(serving, pb.GenerateRequest(body=b" " * MAX_BODY_BYTES))
        code, error = await failed(serving, pb.GenerateRequest(body=b" " * (MAX_BODY_BYTES + 1)))
        assert (code, error["code"]) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "request_too_large")
        code, _ = await failed(serving, pb.GenerateRequest(body=b" " * (MAX_BODY_BYTES + (1 << 20))))
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_long_answer_passes() -> None:
    async with serve(FakePipeline(Answer(body=b" " * (8 << 20)))) as serving:
        options = [("grpc.max_receive_message_length", -1)]
        async with grpc.aio.insecure_channel(serving.address, options=options) as channel:
            messages = [message async for message in router_pb2_grpc.RouterStub(channel).Generate(GENERATE)]
    assert len(messages[1].chunk) == 8 << 20


async def test_a_cancelled_call_closes_the_stream() -> None:
    events = Events(chunk("one"), endless=True)
    async with serve(FakePipeline(Answer(events=events))) as serving, serving.channel() as channel:
        call = router_pb2_grpc.RouterStub(channel).Generate(GENERATE)
        await call.read()
        await call.read()
        call.cancel()
        await asyncio.wait_for(events.closed.wait(), 5)
        assert serving.gate.in_flight == 0


async def test_a_deadline_closes_the_stream() -> None:
    events = Events(chunk("one"), endless=True)
    async with serve(FakePipeline(Answer(events=events))) as serving, serving.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in router_pb2_grpc.RouterStub(channel).Generate(GENERATE, timeout=0.3):
                pass
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await asyncio.wait_for(events.closed.wait(), 5)


async def test_the_gate_is_shared() -> None:
    gate = Gate(1, 0, 5.0)
    async with serve(FakePipeline(Answer(body=b"{}")), gate) as serving, gate.slot():
        code, error = await failed(serving)
    assert (code, error["code"]) == (grpc.StatusCode.UNAVAILABLE, "router_overloaded")


async def test_decide() -> None:
    async with serve(FakePipeline(Answer(), EXPLANATION)) as serving, serving.channel() as channel:
        decision = await router_pb2_grpc.RouterStub(channel).Decide(pb.DecideRequest(body=BODY))
    assert (decision.decision_id, decision.policy, decision.route) == ("d-1", "ai/assistant", "code")
    assert decision.candidates[0].backend == "ai/qwen"
    assert decision.candidates[0].effort == pb.REASONING_EFFORT_HIGH
    assert decision.candidates[0].cost_picos == 10**15
    assert decision.reasons[0].detail["probability"] == "0.9"


async def test_explain() -> None:
    async with serve(FakePipeline(Answer(), EXPLANATION)) as serving, serving.channel() as channel:
        explained = await router_pb2_grpc.RouterStub(channel).Explain(pb.ExplainRequest(body=BODY))
    assert explained.rejected[0].reason.code == "NoTools"
    assert explained.signals.language == "de"
    assert explained.signals.routes == {"code": 0.9}
    assert explained.signals.difficulty == pb.Score(value=0.5, confidence=0.7)
    assert not explained.signals.HasField("commercial")
    assert not explained.HasField("refusal")


async def test_a_refusal_is_an_error_to_decide_and_an_answer_to_explain() -> None:
    async with serve(FakePipeline(Answer(), REFUSED)) as serving, serving.channel() as channel:
        router = router_pb2_grpc.RouterStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await router.Decide(pb.DecideRequest(body=BODY))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        explained = await router.Explain(pb.ExplainRequest(body=BODY))
    assert (explained.refusal.code, explained.refusal.retry_after_seconds) == ("quota_exceeded", 9.0)


async def test_a_malformed_request_is_an_error_to_both() -> None:
    pipeline = FakePipeline(Answer(), InvalidRequest("model is required.", param="model"))
    async with serve(pipeline) as serving, serving.channel() as channel:
        router = router_pb2_grpc.RouterStub(channel)
        for call in (router.Decide(pb.DecideRequest()), router.Explain(pb.ExplainRequest())):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_health() -> None:
    states = health_pb2.HealthCheckResponse
    async with serve(FakePipeline(Answer())) as serving, serving.channel() as channel:
        health = health_pb2_grpc.HealthStub(channel)

        async def state(service: str = "") -> int:
            return int((await health.Check(health_pb2.HealthCheckRequest(service=service))).status)

        assert await state() == await state("pointsman.v1.Router") == states.SERVING
        with pytest.raises(grpc.aio.AioRpcError):
            await state("other")
        watch = health.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == states.SERVING
        serving.phase = Phase.DRAINING
        assert await state() == states.NOT_SERVING
        assert (await asyncio.wait_for(watch.read(), 5)).status == states.NOT_SERVING
        assert await asyncio.wait_for(watch.read(), 5) is grpc.aio.EOF


async def test_a_client_without_our_protos_can_call() -> None:
    async with serve(FakePipeline(Answer(), EXPLANATION)) as serving:

        def by_reflection() -> str:
            with grpc.insecure_channel(serving.address) as channel:
                known = ProtoReflectionDescriptorDatabase(channel)
                assert "pointsman.v1.Router" in known.get_services()
                pool = descriptor_pool.DescriptorPool(known)
                method = pool.FindServiceByName("pointsman.v1.Router").FindMethodByName("Decide")
                request = message_factory.GetMessageClass(method.input_type)(body=BODY)
                reply = message_factory.GetMessageClass(method.output_type)
                call = channel.unary_unary(
                    "/pointsman.v1.Router/Decide",
                    request_serializer=lambda message: message.SerializeToString(),
                    response_deserializer=reply.FromString,
                )
                return str(call(request, timeout=5).route)

        assert await asyncio.to_thread(by_reflection) == "code"
