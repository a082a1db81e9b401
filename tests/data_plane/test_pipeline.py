"""The request's story, whole: a router over real HTTP, before fault servers that do what they are told."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from pointsman_faults.kinds import (
    ContextLength,
    Cut,
    ErrorEvent,
    Hang,
    InsufficientQuota,
    Overloaded,
    RateLimit,
    Refusal,
    Reset,
    Status,
)
from pointsman_faults.script import Rule, UsageReport
from pointsman_faults.server import FaultServer

from pointsman.core.errors import ConfigError
from pointsman.core.keys import KeyRights, new_key
from pointsman.core.signals import Classification
from tests.support.build import policy, refs, route
from tests.support.calls import eventually
from tests.support.router import FixedClassifier, Running, by_word, running, served


def two(faults: dict[str, FaultServer], **spec: Any) -> list[dict[str, Any]]:
    """`first` is preferred, `second` is its fallback."""
    spec.setdefault("default", {"backends": [{"name": "first"}, {"name": "second", "priority": 1}]})
    return [served(faults["first"], "first"), served(faults["second"], "second"), policy(**spec)]


async def metric(router: Running, line: str) -> float:
    text = await (await router.get("/metrics")).text()
    return sum(float(each.rsplit(" ", 1)[1]) for each in text.splitlines() if each.startswith(line))


async def events(response: Any) -> list[str]:
    return [line.removeprefix("data: ") for line in (await response.text()).splitlines() if line.startswith("data: ")]


async def test_an_answer_says_who_gave_it_and_why(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        response = await router.chat()
        assert response.status == 200
        assert (await response.json())["choices"][0]["message"]["content"]
        said = {name: response.headers[f"x-pointsman-{name}"] for name in ("backend", "model", "route", "attempts")}
        assert said == {"backend": "ai/first", "model": "org/first", "route": "default", "attempts": "1"}
        assert "NoRouteFits" in response.headers["x-pointsman-reason"]
        assert len(response.headers["x-pointsman-decision-id"]) == 32
        assert "x-pointsman-downgraded" not in response.headers


@pytest.mark.parametrize(
    ("fault", "trigger"),
    [
        (RateLimit(retry_after=7), "RateLimited"),
        (Overloaded(), "Overloaded"),
        (Status(status=500), "ServerError"),
        (Reset(), "ServerError"),
        (Refusal(), "Refusal"),
        (Refusal(structured=True), "Refusal"),
        (ContextLength(), "ContextLength"),
        (InsufficientQuota(), "QuotaExhausted"),
        (ErrorEvent(), "ServerError"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_each_trigger_is_answered_by_the_next_candidate(
    tmp_path: Path, fault: Any, trigger: str, stream: bool
) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        router.faults["first"].play(Rule(fault=fault))
        response = await router.chat(stream=stream)
        assert response.status == 200, await response.text()
        assert response.headers["x-pointsman-backend"] == "ai/second"
        assert response.headers["x-pointsman-attempts"] == "2"
        assert await metric(router, f'pointsman_attempts_total{{backend="ai/first",outcome="{trigger}"}}') == 1


async def test_a_slow_first_token_falls_back(tmp_path: Path) -> None:
    def objects(faults: dict[str, FaultServer]) -> list[dict[str, Any]]:
        return two(faults, fallback={"timeouts": {"connect": "100ms", "firstToken": "200ms"}})

    async with running(tmp_path, objects, "first", "second") as router:
        router.faults["first"].play(Rule(fault=Hang()))
        response = await router.chat(stream=True)
        assert response.headers["x-pointsman-backend"] == "ai/second"
        assert await metric(router, 'pointsman_attempts_total{backend="ai/first",outcome="Timeout"}') == 1


async def test_a_hanging_answer_that_is_not_streamed_leaves_time_for_the_next(tmp_path: Path) -> None:
    def objects(faults: dict[str, FaultServer]) -> list[dict[str, Any]]:
        return two(faults, fallback={"timeouts": {"connect": "100ms", "firstToken": "200ms", "total": "1s"}})

    async with running(tmp_path, objects, "first", "second") as router:
        router.faults["first"].play(Rule(fault=Hang()))
        response = await router.chat(headers={"x-pointsman-explain": "true"})
        assert (response.status, response.headers["x-pointsman-backend"]) == (200, "ai/second")
        assert "Timeout" in response.headers["x-pointsman-reason"]
        failed = (await response.json())["pointsman"]["failed"]
        assert [(each["backend"], each["outcome"]) for each in failed] == [("ai/first", "Timeout")]


async def test_a_folder_whose_policies_are_all_wrong_is_not_ready_and_says_why(tmp_path: Path) -> None:
    async with running(tmp_path, lambda faults: two(faults, rotues=[]), "first", "second") as router:
        ready = await router.get("/readyz")
        assert ready.status == 503
        assert "rotues" in await ready.text()


async def test_an_unknown_mode_lists_the_modes(tmp_path: Path) -> None:
    async with running(tmp_path, lambda faults: two(faults, modes=[{"name": "fast"}]), "first", "second") as router:
        response = await router.chat(model="auto:quick")
        assert response.status == 404
        assert "auto:fast" in (await response.json())["error"]["message"]


async def test_an_unreachable_backend_falls_back(tmp_path: Path) -> None:
    def objects(faults: dict[str, FaultServer]) -> list[dict[str, Any]]:
        made = two(faults)
        made[0]["spec"]["endpoints"]["external"]["port"] = 1
        return made

    async with running(tmp_path, objects, "first", "second") as router:
        response = await router.chat()
        assert response.headers["x-pointsman-backend"] == "ai/second"
        assert await metric(router, 'pointsman_attempts_total{backend="ai/first",outcome="ConnectError"}') == 1


async def test_a_failure_that_is_no_trigger_is_answered_as_it_is(tmp_path: Path) -> None:
    async with running(
        tmp_path, lambda faults: two(faults, fallback={"triggers": ["Timeout"]}), "first", "second"
    ) as router:
        router.faults["first"].play(Rule(fault=Status(status=500)))
        response = await router.chat()
        assert response.status == 502
        assert (await response.json())["error"]["code"] == "upstream_error"
        assert len(router.faults["second"].requests) == 0


async def test_a_request_that_the_model_server_calls_wrong_gets_its_own_words(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        wrong = Status(status=400, code="bad_temperature", error_type="invalid_request_error", message="temperature")
        router.faults["first"].play(Rule(fault=wrong))
        response = await router.chat(temperature=99)
        assert response.status == 400
        assert (await response.json())["error"]["code"] == "bad_temperature"
        assert len(router.faults["second"].requests) == 0


async def test_a_refusal_that_nobody_mends_reaches_the_client(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        for server in router.faults.values():
            server.play(Rule(fault=Refusal()))
        response = await router.chat()
        assert response.status == 200
        assert (await response.json())["choices"][0]["finish_reason"] == "content_filter"
        streamed = await router.chat(stream=True)
        said = await events(streamed)
        assert streamed.content_type == "text/event-stream"
        assert said[-1] == "[DONE]"
        assert any("content_filter" in event for event in said)


async def test_when_all_fail_the_error_names_each(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        router.faults["first"].play(Rule(fault=Status(status=500)))
        router.faults["second"].play(Rule(fault=RateLimit(retry_after=9)))
        response = await router.chat()
        error = (await response.json())["error"]
        assert response.status == 429
        assert "ai/first: ServerError" in error["message"]
        assert "ai/second: RateLimited" in error["message"]
        assert response.headers["Retry-After"] == "9"


async def test_a_retry_after_leaves_the_backend_alone(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        router.faults["first"].play(Rule(fault=RateLimit(retry_after=60)))
        for n in range(3):
            assert (await router.chat(f"conversation {n}")).headers["x-pointsman-backend"] == "ai/second"
        assert len(router.faults["first"].requests) == 1


async def test_after_the_first_token_never_another_model(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        router.faults["first"].play(Rule(fault=Cut(after_tokens=3)))
        response = await router.chat(stream=True)
        said = await events(response)
        assert response.status == 200
        assert "error" in json.loads(said[-1])
        assert "[DONE]" not in said
        assert len(router.faults["second"].requests) == 0
        assert await metric(router, 'pointsman_requests_total{backend="ai/first",operation="chat",outcome="Cut"') == 1
        assert await metric(router, 'pointsman_tokens_total{backend="ai/first",type="completion"}') > 0


async def test_attempts_are_bounded(tmp_path: Path) -> None:
    names = [f"b{n}" for n in range(5)]

    def objects(faults: dict[str, FaultServer]) -> list[dict[str, Any]]:
        backends = [served(server, name) for name, server in faults.items()]
        return [*backends, policy(default={"backends": refs(*names)}, fallback={"maxAttempts": 2})]

    async with running(tmp_path, objects, *names) as router:
        for server in router.faults.values():
            server.play(Rule(fault=Status(status=500)))
        response = await router.chat()
        assert response.status == 502
        assert sum(len(server.requests) for server in router.faults.values()) == 2


async def test_the_retry_budget_bounds_attempts_over_all_requests(tmp_path: Path) -> None:
    def objects(faults: dict[str, FaultServer]) -> list[dict[str, Any]]:
        made = two(faults, fallback={"retryBudgetPercent": 0}, session={"affinity": "None"})
        made[0]["spec"]["outlierDetection"] = {"maxEjectedPercent": 0}
        return made

    async with running(tmp_path, objects, "first", "second") as router:
        router.faults["first"].play(Rule(fault=Status(status=500)))
        responses = await asyncio.gather(*(router.chat() for _ in range(30)))
        assert sorted(response.status for response in responses) == [200] * 10 + [502] * 20  # ten are always allowed
        assert len(router.faults["second"].requests) == 10


async def test_a_client_that_leaves_cancels_upstream_and_settles(tmp_path: Path) -> None:
    def objects(faults: dict[str, FaultServer]) -> list[dict[str, Any]]:
        made = two(faults)
        made[0]["spec"]["limits"] = {"concurrency": 1}
        return made

    async with running(tmp_path, objects, "first", "second") as router:
        router.faults["first"].play(Rule(inter_token=0.05, text="word " * 500))
        async with router.open() as response:
            await response.content.readline()
        await eventually(lambda: router.faults["first"].requests[0].outcome == "Cancelled")
        await eventually(lambda: router.router.gate.in_flight == 0)
        assert (
            await metric(router, 'pointsman_requests_total{backend="ai/first",operation="chat",outcome="Cancelled"')
            == 1
        )
        router.faults["first"].play()
        assert (await router.chat()).headers["x-pointsman-backend"] == "ai/first"  # its one place is free again


async def test_a_backend_at_its_limit_is_passed_over(tmp_path: Path) -> None:
    def objects(faults: dict[str, FaultServer]) -> list[dict[str, Any]]:
        made = two(faults)
        made[0]["spec"]["limits"] = {"concurrency": 1}
        return made

    async with running(tmp_path, objects, "first", "second") as router:
        router.faults["first"].play(Rule(inter_token=0.05, text="word " * 100))
        async with router.open() as response:
            await response.content.readline()
            assert (await router.chat()).headers["x-pointsman-backend"] == "ai/second"


def metered(faults: dict[str, FaultServer], action: dict[str, Any]) -> list[dict[str, Any]]:
    quota = {
        "name": "free-5h",
        "resource": "Tokens",
        "limit": "2000",
        "window": {"type": "Rolling", "length": "5h"},
        "onExhausted": action,
    }
    return two(faults, default={"backends": refs("first")}, quotas=[quota])


async def test_a_spent_quota_downgrades_with_a_notice(tmp_path: Path) -> None:
    action = {"action": "Downgrade", "backends": refs("second")}
    async with running(tmp_path, lambda faults: metered(faults, action), "first", "second") as router:
        router.faults["first"].play(Rule(text="word " * 1000))
        backends, notices = [], []
        for _ in range(4):
            response = await router.chat()
            assert response.status == 200
            backends.append(response.headers["x-pointsman-backend"])
            notices.append(response.headers.get("x-pointsman-downgraded"))
        assert backends == ["ai/first", "ai/second", "ai/second", "ai/second"]
        assert notices == [None, "free-5h", "free-5h", "free-5h"]


async def test_a_spent_quota_may_reject_with_retry_after(tmp_path: Path) -> None:
    async with running(tmp_path, lambda faults: metered(faults, {"action": "Reject"}), "first", "second") as router:
        router.faults["first"].play(Rule(text="word " * 1000))
        assert (await router.chat()).status == 200
        response = await router.chat()
        assert response.status == 429
        assert (await response.json())["error"]["code"] == "quota_exceeded"
        assert int(response.headers["Retry-After"]) > 3600


async def test_concurrent_requests_never_exceed_a_quota(tmp_path: Path) -> None:
    quota = {"name": "ten", "resource": "Requests", "limit": "10", "window": {"type": "Rolling", "length": "1h"}}

    def objects(faults: dict[str, FaultServer]) -> list[dict[str, Any]]:
        return two(faults, default={"backends": refs("first")}, quotas=[quota])

    async with running(tmp_path, objects, "first", "second") as router:
        responses = await asyncio.gather(*(router.chat() for _ in range(40)))
        assert sorted(response.status for response in responses) == [200] * 10 + [429] * 30
        assert len(router.faults["first"].requests) == 10


async def test_usage_is_asked_for_always_and_shown_only_to_who_asked(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        plain = await events(await router.chat(stream=True))
        asked = await events(await router.chat(stream=True, stream_options={"include_usage": True}))
        assert not any('"usage":{' in event.replace(" ", "") for event in plain)
        assert any('"usage":{' in event.replace(" ", "") for event in asked)
        sent = [json.loads(request.body or "") for request in router.faults["first"].requests]
        assert [body["stream_options"]["include_usage"] for body in sent] == [True, True]


async def test_unreported_usage_is_estimated(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        router.faults["first"].play(Rule(usage=UsageReport.NEVER, text="word " * 100))
        await router.chat(stream=True)
        assert await metric(router, 'pointsman_tokens_total{backend="ai/first",type="completion"}') > 50


async def test_what_the_client_sent_reaches_the_backend_untouched(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        await router.chat(novel_field={"nested": [1, 2.50, "ü"]}, temperature=0.1, user="ada")
        sent = router.faults["first"].requests[0]
        body = json.loads(sent.body or "")
        assert body["novel_field"] == {"nested": [1, 2.5, "ü"]}
        assert body["model"] == "org/first"
        assert not any(name.startswith("x-pointsman-") for name in sent.headers)


async def test_trace_context_is_passed_on_and_the_clients_key_is_not(tmp_path: Path) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"traceparent": trace, "authorization": "Bearer client-secret", "x-pointsman-explain": "true"}
    async with running(tmp_path, two, "first", "second") as router:
        await router.chat(headers=headers)
        sent = router.faults["first"].requests[0].headers
        assert sent["traceparent"] == trace
        assert "authorization" not in sent
        assert "x-pointsman-explain" not in sent


def by_route(faults: dict[str, FaultServer], **spec: Any) -> list[dict[str, Any]]:
    return two(
        faults, routes=[route("code", "first"), route("chat", "second")], default={"backends": refs("second")}, **spec
    )


async def test_the_classifier_chooses_the_route_and_a_pinned_model_does_not_pay_for_it(tmp_path: Path) -> None:
    classifier = by_word("code", "chat")
    async with running(tmp_path, by_route, "first", "second", classifier=classifier) as router:
        response = await router.chat("some code please")
        assert (response.headers["x-pointsman-route"], response.headers["x-pointsman-backend"]) == ("code", "ai/first")
        assert classifier.asked == 1
        pinned = await router.chat("some code please", model="second")
        assert pinned.headers["x-pointsman-backend"] == "ai/second"
        assert "x-pointsman-route" not in pinned.headers
        assert classifier.asked == 1


async def test_a_failing_classifier_never_fails_a_request(tmp_path: Path) -> None:
    def broken(text: str) -> Classification:
        raise RuntimeError(text)

    async with running(tmp_path, by_route, "first", "second", classifier=FixedClassifier(broken)) as router:
        response = await router.chat("some code please")
        assert response.status == 200
        assert "ClassifierFailed" in response.headers["x-pointsman-reason"]
        assert (await (await router.get("/readyz")).json())["dependencies"]["classifier"]["state"] == "Degraded"


async def test_a_late_classifier_never_delays_a_request_beyond_its_deadline(tmp_path: Path) -> None:
    release = threading.Event()

    def late(_: str) -> Classification:
        release.wait(10)
        return Classification()

    async with running(tmp_path, by_route, "first", "second", classifier=FixedClassifier(late)) as router:
        response = await router.chat("some code please")
        release.set()
        assert response.status == 200
        assert "ClassifierLate" in response.headers["x-pointsman-reason"]


def priced(faults: dict[str, FaultServer], first: str, second: str, **spec: Any) -> list[dict[str, Any]]:
    """Equally good, with these prices per million tokens of output."""
    made = two(faults, default={"backends": refs("first", "second")}, **spec)
    made[0]["spec"]["pricing"], made[1]["spec"]["pricing"] = {"output": first}, {"output": second}
    return made


async def test_a_conversation_keeps_its_model_when_a_new_one_would_get_another(tmp_path: Path) -> None:
    margin = {"session": {"switchMarginPercent": 40}}
    async with running(tmp_path, lambda faults: priced(faults, "10", "20", **margin), "first", "second") as router:
        talk = [{"role": "user", "content": "a long talk"}]
        assert (await router.post("/v1/chat/completions", {"model": "auto", "messages": talk})).headers[
            "x-pointsman-backend"
        ] == "ai/first"
        await router.rewrite(*priced(router.faults, "20", "10", **margin))
        talk += [{"role": "assistant", "content": "yes"}, {"role": "user", "content": "go on"}]
        kept = await router.post("/v1/chat/completions", {"model": "auto", "messages": talk})
        assert kept.headers["x-pointsman-backend"] == "ai/first"
        assert "SessionKept" in kept.headers["x-pointsman-reason"]
        assert (await router.chat("a new talk")).headers["x-pointsman-backend"] == "ai/second"


def one_request(faults: dict[str, FaultServer], limit: int) -> list[dict[str, Any]]:
    """`first` is cheaper; when the quota is spent, `second` answers."""
    quota = {"name": "few", "resource": "Requests", "limit": str(limit), "window": {"type": "Rolling", "length": "1h"}}
    spent = {"action": "Downgrade", "backends": refs("second")}
    return priced(faults, "10", "11", quotas=[{**quota, "onExhausted": spent}])


async def test_a_downgraded_conversation_goes_back_to_its_model(tmp_path: Path) -> None:
    async with running(tmp_path, lambda faults: one_request(faults, 1), "first", "second") as router:
        seen = [(await router.chat()).headers["x-pointsman-backend"] for _ in range(2)]
        await router.rewrite(*one_request(router.faults, 9))
        seen.append((await router.chat()).headers["x-pointsman-backend"])
        assert seen == ["ai/first", "ai/second", "ai/first"]


async def test_who_is_outrun_between_decision_and_admission_is_decided_again(tmp_path: Path) -> None:
    async with running(tmp_path, lambda faults: one_request(faults, 1), "first", "second") as router:
        ledger = router.router.pipeline.ledger
        admit, others = ledger.admit, []

        async def admit_after_another(charges: Any) -> Any:
            if not others:
                others.append(await admit(charges))
            return await admit(charges)

        ledger.admit = admit_after_another
        response = await router.chat()
        assert response.headers["x-pointsman-backend"] == "ai/second"
        assert response.headers["x-pointsman-downgraded"] == "few"


async def test_a_refusal_costs_tokens_but_only_one_request_is_counted(tmp_path: Path) -> None:
    async with running(tmp_path, lambda faults: one_request(faults, 2), "first", "second") as router:
        router.faults["first"].play(Rule(fault=Refusal(), times=1))
        assert (await router.chat("one")).headers["x-pointsman-attempts"] == "2"
        assert await metric(router, 'pointsman_tokens_total{backend="ai/first",type="prompt"}') > 0
        assert "x-pointsman-downgraded" not in (await router.chat("two")).headers
        assert "x-pointsman-downgraded" in (await router.chat("three")).headers


async def test_a_client_that_leaves_before_the_first_token_is_recorded(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        router.faults["first"].play(Rule(fault=Hang()))
        leaving = asyncio.create_task(router.chat(stream=True))
        await eventually(lambda: len(router.faults["first"].requests) == 1)
        leaving.cancel()
        await eventually(lambda: router.router.gate.in_flight == 0)
        assert await metric(router, 'pointsman_requests_total{backend="",operation="chat",outcome="Cancelled"') == 1


async def test_without_a_key_nobody_takes_a_place_or_has_a_body_read(tmp_path: Path) -> None:
    keys = tmp_path.parent / f"{tmp_path.name}-keys.yaml"
    keys.write_text("keys: []\n")
    async with running(tmp_path, two, "first", "second", keys=keys, max_in_flight=1) as router:
        reader, writer = await asyncio.open_connection("127.0.0.1", router.router.http_port)
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{")
        assert b" 401 " in await reader.readline()
        assert router.router.gate.in_flight == 0
        writer.close()


async def test_before_the_first_snapshot_clients_are_told_to_come_back(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second", load=False) as router:
        response = await router.chat()
        assert (response.status, response.headers["Retry-After"]) == (503, "1")
        assert (await response.json())["error"]["code"] == "not_ready"
        assert (await router.get("/readyz")).status == 503


async def test_a_refused_request_is_explained_too(tmp_path: Path) -> None:
    async with running(tmp_path, lambda faults: metered(faults, {"action": "Reject"}), "first", "second") as router:
        body = await (
            await router.chat(max_tokens=5, text="word " * 9000, headers={"x-pointsman-explain": "true"})
        ).json()
        assert body["error"]["code"] == "quota_exceeded"
        assert body["pointsman"]["rejected"][0]["backend"] == "ai/first"


async def test_explain_puts_the_plan_beside_the_choices(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        asked = {"x-pointsman-explain": "true"}
        body = await (await router.chat(headers=asked)).json()
        assert [each["backend"] for each in body["pointsman"]["candidates"]] == ["ai/first", "ai/second"]
        assert body["choices"]
        said = await events(await router.chat(headers=asked, stream=True))
        assert said[-1] == "[DONE]"
        assert json.loads(said[-2])["pointsman"]["policy"] == "ai/assistant"


async def test_a_reload_swaps_the_policy_and_a_wrong_object_keeps_the_one_before(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        assert (await router.chat()).headers["x-pointsman-backend"] == "ai/first"
        await router.rewrite(*two(router.faults, default={"backends": refs("second")}))
        assert (await router.chat()).headers["x-pointsman-backend"] == "ai/second"
        await router.rewrite(*two(router.faults, default={"backends": refs("first")}, nonsense=True))
        assert (await router.chat()).headers["x-pointsman-backend"] == "ai/second"


async def test_an_unreadable_file_keeps_everything_before(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        (tmp_path / "objects.yaml").write_text("{ not yaml")
        with pytest.raises(ConfigError, match=r"objects\.yaml"):
            await router.router.source.once()
        assert (await router.chat()).headers["x-pointsman-backend"] == "ai/first"


async def test_keys_give_tenants_and_rights(tmp_path: Path) -> None:
    key, entry = new_key(bytes(range(32)), tenant="free", rights=KeyRights(models=("auto",)))
    keys = tmp_path.parent / f"{tmp_path.name}-keys.yaml"
    keys.write_text(yaml.safe_dump({"keys": [entry.model_dump(mode="json", by_alias=True, exclude_none=True)]}))
    async with running(tmp_path, two, "first", "second", keys=keys) as router:
        assert (await router.chat()).status == 401
        bearer = {"authorization": f"Bearer {key}"}
        assert (await router.chat(headers=bearer)).status == 200
        denied = await router.chat(headers=bearer, model="first")
        assert denied.status == 404
        assert "available: auto" in (await denied.json())["error"]["message"]


CANARY = "canary-7f3a9c"


async def test_no_text_of_a_prompt_or_answer_is_found_anywhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In no log, metric, header, error or file, whatever happens to the request."""
    caplog.set_level(0)
    found: list[str] = []
    rules = [
        Rule(text=f"answer {CANARY}"),
        Rule(fault=Status(status=500, message=CANARY)),
        Rule(fault=Cut(after_tokens=2), text=f"{CANARY} " * 9),
        Rule(fault=Refusal()),
        Rule(fault=ErrorEvent(after_tokens=1, message=CANARY)),
    ]
    async with running(tmp_path, two, "first", "second") as router:
        for rule in rules:
            router.faults["first"].play(rule)
            router.faults["second"].play(Rule(fault=Status(status=503, message=CANARY)))
            for stream in (False, True):
                response = await router.chat(f"secret {CANARY}", stream=stream, user=CANARY)
                found += [f"{name}: {value}" for name, value in response.headers.items()]
        broken = await router.post("/v1/chat/completions", {"model": "auto", "messages": CANARY})
        unknown = await router.chat(CANARY, model="nobody")
        found += [await broken.text(), await unknown.text(), await (await router.get("/metrics")).text()]
        found += [await (await router.get("/readyz")).text()]
    found += [record.getMessage() + str(record.exc_text) for record in caplog.records]
    found += [file.read_text() for file in tmp_path.rglob("*") if file.is_file()]
    assert found
    assert not [text for text in found if CANARY in text]
