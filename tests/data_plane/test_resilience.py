"""What fails for good is left alone, what is well is not, and what is last is tried: over many requests."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pointsman_faults.kinds import AnyFault, ErrorEvent, Hang, InsufficientQuota, Overloaded, RateLimit, Status
from pointsman_faults.script import Rule
from pointsman_faults.server import FaultServer

from pointsman.core.plan import Candidate
from pointsman.core.resources.policy import Trigger
from pointsman.core.snapshot import Backend, Timeouts
from pointsman.core.state import BackendState
from router_svc.attempts import Attempts, Order
from router_svc.endpoints import EndpointPool
from router_svc.endpoints.group import MISCONFIGURED, MISCONFIGURED_PAUSE
from router_svc.exchange import Endpoint, Failure, Payload, Reply
from router_svc.quota import MemoryLedger
from tests.support.build import policy, refs
from tests.support.clock import ManualClock
from tests.support.router import Running, running, served

Objects = list[dict[str, Any]]


def two(faults: dict[str, FaultServer], **spec: Any) -> Objects:
    """`first` is preferred, `second` is its fallback; no conversation stays where it was."""
    default = {"backends": [{"name": "first"}, {"name": "second", "priority": 1}]}
    backends = [served(faults["first"], "first"), served(faults["second"], "second")]
    return [*backends, policy(default=default, session={"affinity": "None"}, **spec)]


async def ask(router: Running, count: int, **fields: Any) -> list[str | None]:
    """The backends that answered these requests, one after another; None for an error."""
    answered = []
    for n in range(count):
        response = await router.chat(f"question {n}", **fields)
        answered.append(response.headers.get("x-pointsman-backend") if response.status == 200 else None)
    return answered


@pytest.mark.parametrize(
    "fault", [InsufficientQuota(), *(Status(status=status) for status in (401, 402, 403, 404, 405))], ids=str
)
async def test_a_backend_that_fails_for_good_costs_no_request(tmp_path: Path, fault: AnyFault) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        router.faults["first"].play(Rule(fault=fault))
        assert await ask(router, 60) == ["ai/second"] * 60
        assert len(router.faults["first"].requests) <= MISCONFIGURED


async def test_a_prompt_that_is_forbidden_now_and_then_costs_others_nothing(tmp_path: Path) -> None:
    def objects(faults: dict[str, FaultServer]) -> Objects:
        return two(faults, fallback={"retryBudgetPercent": 100})

    async with running(tmp_path, objects, "first", "second") as router:
        for _ in range(MISCONFIGURED):
            router.faults["first"].play(Rule(fault=Status(status=403), times=MISCONFIGURED - 1))
            assert await ask(router, MISCONFIGURED) == ["ai/second"] * (MISCONFIGURED - 1) + ["ai/first"]


@pytest.mark.parametrize("status", [400, 422, 500])
async def test_a_wait_asked_of_one_request_does_not_turn_the_next_away(tmp_path: Path, status: int) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        router.faults["first"].play(Rule(fault=Status(status=status, retry_after=600), times=1))
        await ask(router, 1)
        assert await ask(router, 1) == ["ai/first"]


async def test_streams_that_fail_by_their_requests_fault_eject_nobody(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        too_long = ErrorEvent(after_tokens=2, code="context_length_exceeded")
        router.faults["first"].play(Rule(fault=too_long, tokens=8))
        assert await ask(router, 8, stream=True) == ["ai/first"] * 8


async def test_streams_that_outlast_their_time_eject_nobody(tmp_path: Path) -> None:
    def objects(faults: dict[str, FaultServer]) -> Objects:
        return two(faults, fallback={"timeouts": {"connect": "100ms", "firstToken": "200ms", "total": "200ms"}})

    async with running(tmp_path, objects, "first", "second") as router:
        router.faults["first"].play(Rule(fault=Hang(after_tokens=2), tokens=8))
        assert await ask(router, 6, stream=True) == ["ai/first"] * 6


async def test_the_only_endpoint_is_tried_again_although_it_is_ejected(tmp_path: Path) -> None:
    async with running(
        tmp_path, lambda faults: [served(faults["only"], "only"), policy(default={"backends": refs("only")})], "only"
    ) as router:
        router.faults["only"].play(Rule(fault=Status(status=500), times=5))
        assert await ask(router, 5) == [None] * 5
        assert router.router.pool.states(["ai/only"])["ai/only"].available == 0
        assert await ask(router, 2) == ["ai/only"] * 2
        assert router.router.pool.states(["ai/only"])["ai/only"].available == 1


FORMS = [
    {"reasoning_effort": "high"},
    {"reasoning": {"effort": "high"}},
    {"reasoning": {"enabled": True, "max_tokens": 9000}},
    {"chat_template_kwargs": {"enable_thinking": True}},
    {"reasoning_effort": "high", "reasoning": {"effort": "low"}, "chat_template_kwargs": {"enable_thinking": True}},
]


@pytest.mark.parametrize("parameter", ["ReasoningEffort", "ChatTemplateKwargs"])
@pytest.mark.parametrize("form", FORMS, ids=json.dumps)
async def test_a_mode_that_is_denied_reaches_no_model_in_any_form(
    tmp_path: Path, form: dict[str, Any], parameter: str
) -> None:
    def objects(faults: dict[str, FaultServer]) -> Objects:
        made = two(faults, overrides={"modes": "Deny"})
        made[0]["spec"]["capabilities"] = {"reasoning": {"type": "Toggle", "parameter": parameter}}
        return made

    async with running(tmp_path, objects, "first", "second") as router:
        assert (await router.chat(**form)).status == 200
        sent = json.loads(router.faults["first"].requests[0].body or "")
        assert not sent.keys() & {"reasoning_effort", "reasoning", "chat_template_kwargs"}


KEY = "ai/small"
BACKEND = Backend(namespace="ai", name="small", model="m")


class Trying:
    """Attempts at a backend of some endpoints, each of which answers as a function of its host says."""

    def __init__(self, count: int, reply: Callable[[str], Reply | Failure]) -> None:
        self.clock = ManualClock(0.0)
        self.pool = EndpointPool(self.clock, random.Random(7))
        self.pool.update({KEY: tuple(Endpoint(f"10.0.0.{n}", 80) for n in range(count))}, {KEY: BACKEND})
        self.reply = reply
        self.asked: list[str] = []
        self._attempts = Attempts(MemoryLedger(self.clock), self.pool, self)

    async def call(
        self, endpoint: Endpoint, payload: Payload, timeouts: Timeouts, deadline: float, credential: str | None
    ) -> Reply | Failure:
        """The upstream."""
        self.asked.append(endpoint.host)
        return self.reply(endpoint.host)

    async def once(self) -> None:
        candidate = Candidate(backend=KEY, effort=None, quality=0.5, cost=0, tier="default", priority=0)
        order = Order(candidate, BACKEND, Payload(path="/", body=b""), Timeouts(), 300.0, None, 1)
        made = await self._attempts.make(order)
        if isinstance(made, tuple):
            reply, hold = made
            await hold.release(reply.usage, ok=True)

    @property
    def state(self) -> BackendState:
        return self.pool.states([KEY])[KEY]


def failing(trigger: Trigger | None, **more: Any) -> Callable[[str], Failure]:
    return lambda host: Failure(trigger=trigger, message="no", endpoint_fault=False, **more)


@pytest.mark.parametrize(
    ("trigger", "asked", "waited"),
    [
        (Trigger.RATE_LIMITED, 7.0, 7.0),
        (Trigger.RATE_LIMITED, None, 1.0),
        (Trigger.QUOTA_EXHAUSTED, 7.0, 7.0),
        (Trigger.QUOTA_EXHAUSTED, None, 60.0),
        *((trigger, 7.0, 0.0) for trigger in (None, Trigger.REFUSAL, Trigger.CONTEXT_LENGTH, Trigger.SERVER_ERROR)),
        (Trigger.TIMEOUT, 7.0, 0.0),
        (Trigger.OVERLOADED, 7.0, 0.0),
        (Trigger.OVERLOADED, None, 0.0),
    ],
)
async def test_only_what_all_endpoints_share_cools_the_backend(
    trigger: Trigger | None, asked: float | None, waited: float
) -> None:
    trying = Trying(2, failing(trigger, retry_after=asked))
    await trying.once()
    assert trying.state.cooldown == waited


@pytest.mark.parametrize(("asked", "waited"), [(7.0, 7.0), (3600.0, 60.0)])
async def test_an_overloaded_endpoint_is_left_alone_and_the_others_are_not(asked: float, waited: float) -> None:
    overloaded = Failure(trigger=Trigger.OVERLOADED, message="no", retry_after=asked)
    trying = Trying(3, lambda host: overloaded if host == "10.0.0.0" else Reply(body=b"{}"))
    for _ in range(30):
        await trying.once()
    assert trying.asked.count("10.0.0.0") == 1
    assert trying.state.available == 2
    trying.clock.now += waited
    assert trying.state.available == 3


async def test_an_overloaded_endpoint_that_is_the_only_one_is_asked_as_a_last_resort() -> None:
    trying = Trying(1, lambda host: Failure(trigger=Trigger.OVERLOADED, message="no", retry_after=7.0))
    await trying.once()
    assert (trying.state.available, trying.state.cooldown) == (0, 0.0)
    await trying.once()
    assert len(trying.asked) == 2


async def test_misconfiguration_is_believed_after_several_answers_in_a_row() -> None:
    trying = Trying(2, failing(Trigger.SERVER_ERROR, misconfigured=True))
    misconfigured = trying.reply
    for reply in (misconfigured, lambda host: Reply(body=b"{}"), misconfigured):
        trying.reply = reply
        for _ in range(MISCONFIGURED - 1):
            await trying.once()
        assert trying.state.cooldown == 0.0
    await trying.once()
    assert trying.state.cooldown == MISCONFIGURED_PAUSE
    assert trying.state.available == 2


async def test_a_backend_that_limits_rates_takes_no_request_until_its_wait_is_over(tmp_path: Path) -> None:
    async with running(
        tmp_path, lambda faults: [served(faults["only"], "only"), policy(default={"backends": refs("only")})], "only"
    ) as router:
        router.faults["only"].play(Rule(fault=RateLimit(retry_after=60), times=1))
        assert await ask(router, 3) == [None] * 3
        assert len(router.faults["only"].requests) == 1


async def test_an_overloaded_backend_is_relieved_by_its_fallback(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        router.faults["first"].play(Rule(fault=Overloaded(retry_after=600), times=1))
        assert await ask(router, 3) == ["ai/second"] * 3
        assert len(router.faults["first"].requests) == 1


async def test_the_log_tells_when_an_endpoint_is_left_out_and_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "pointsman.endpoints")

    def objects(faults: dict[str, FaultServer]) -> list[dict[str, Any]]:
        rules = {"consecutiveErrors": 2, "baseEjection": "1ms"}
        first = served(faults["first"], "first", outlierDetection=rules)
        return [first, policy(default={"backends": refs("first")}, session={"affinity": "None"})]

    async with running(tmp_path, objects, "first") as router:
        router.faults["first"].play(Rule(fault=Status(status=500), times=2))
        for _ in range(4):
            await router.chat()
        where = f"127.0.0.1:{router.faults['first'].port}"
    said = [record.getMessage() for record in caplog.records if where in record.getMessage()]
    assert said == [f"endpoint {where} is left out: it keeps failing", f"endpoint {where} answers again"]
