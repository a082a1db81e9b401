from collections import Counter

import pytest

from pointsman.core.decide import decide
from pointsman.core.decide.charges import subject_probes
from pointsman.core.plan import Code, Plan, RefusalKind
from pointsman.core.quota import Balance
from pointsman.core.request import Effort, Operation, Rights, Subject
from pointsman.core.signals import ClassifierOutcome
from pointsman.core.state import BackendState, SessionState
from tests.support.build import backend, policy, refs, request, route, signals, snapshot, state

QUALITY_90 = [{"category": "*", "percent": 90}]
QUALITY_60 = [{"category": "*", "percent": 60}]


def names(plan: Plan) -> list[str]:
    return [candidate.backend.removeprefix("ai/") for candidate in plan.candidates]


def codes(plan: Plan) -> list[Code]:
    return [reason.code for reason in plan.reasons]


def rejections(plan: Plan) -> dict[str, Code]:
    return {rejection.backend.removeprefix("ai/"): rejection.reason.code for rejection in plan.rejected}


def two_routes(**spec: object):
    return snapshot(
        backend("coder"),
        backend("writer"),
        backend("small"),
        policy(
            routes=[route("code", "coder"), route("writing", "writer")],
            default={"backends": refs("small")},
            **spec,
        ),
    )


ALL = state("coder", "writer", "small")


def test_the_best_scored_route_is_taken_and_the_default_is_its_last_fallback() -> None:
    plan = decide(two_routes(), request(), signals({"code": 0.9, "writing": 0.1}), ALL)
    assert plan.route == "code"
    assert names(plan) == ["coder", "small"]
    assert codes(plan) == [Code.ROUTE_CLASSIFIED]
    assert plan.candidates[1].reasons[0].code is Code.FALLBACK_TIER


def test_a_score_below_the_minimum_goes_to_the_default() -> None:
    plan = decide(two_routes(), request(), signals({"code": 0.2, "writing": 0.1}), ALL)
    assert (plan.route, names(plan), codes(plan)) == ("default", ["small"], [Code.NO_ROUTE_FITS])


def test_a_route_whose_rules_do_not_match_is_not_taken() -> None:
    plan = decide(two_routes(), request(), signals({"code": 0.9, "writing": 0.5}, matched=frozenset({"writing"})), ALL)
    assert plan.route == "writing"


def test_a_rule_route_wins_without_the_classifier() -> None:
    shot = snapshot(
        backend("coder"),
        backend("small"),
        policy(
            routes=[
                route("code", "small"),
                {
                    "name": "team",
                    "match": {"headers": [{"name": "X-Team", "value": "legal"}]},
                    "backends": refs("coder"),
                },
            ],
            default={"backends": refs("small")},
        ),
    )
    matched = frozenset({"code", "team"})
    plan = decide(shot, request(), signals({"code": 1.0}, matched=matched), state("coder", "small"))
    assert (plan.route, codes(plan)) == ("team", [Code.ROUTE_MATCHED])


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(ClassifierOutcome.LATE, Code.CLASSIFIER_LATE), (ClassifierOutcome.FAILED, Code.CLASSIFIER_FAILED)],
)
def test_without_the_classifier_the_default_answers(outcome: ClassifierOutcome, code: Code) -> None:
    silent = signals(matched=frozenset({"code", "writing"}), classifier=outcome)
    plan = decide(two_routes(), request(), silent, ALL)
    assert (plan.route, codes(plan)) == ("default", [code])


def test_without_the_classifier_a_conversation_stays_on_its_route() -> None:
    silent = signals(matched=frozenset({"code", "writing"}), classifier=ClassifierOutcome.LATE)
    session = SessionState("code", None, "ai/coder", 0)
    plan = decide(two_routes(), request(session="s"), silent, state("coder", "writer", "small", session=session))
    assert (plan.route, codes(plan)) == ("code", [Code.ROUTE_KEPT])


def test_a_policy_may_prefer_an_error_to_a_guess() -> None:
    silent = signals(matched=frozenset({"code"}), classifier=ClassifierOutcome.FAILED)
    plan = decide(two_routes(classifier={"onFailure": "Reject"}), request(), silent, ALL)
    assert plan.refusal is not None
    assert plan.refusal.kind is RefusalKind.CLASSIFIER


def test_an_unknown_model_lists_what_exists() -> None:
    plan = decide(two_routes(), request(model="gpt-9"), signals(), ALL)
    assert plan.refusal is not None
    assert plan.refusal.kind is RefusalKind.UNKNOWN_MODEL
    assert all(name in plan.refusal.message for name in ("gpt-9", "auto", "coder", "writer", "small"))


def test_an_unknown_model_lists_only_what_the_key_may_ask_for() -> None:
    plan = decide(two_routes(), request(model="coder", rights=Rights(models=("auto",))), signals(), ALL)
    assert plan.refusal is not None
    assert "auto" in plan.refusal.message
    assert "writer" not in plan.refusal.message


def test_a_pinned_model_has_no_other_candidate() -> None:
    plan = decide(two_routes(), request(model="coder"), signals(), ALL)
    assert (names(plan), plan.route, codes(plan)) == (["coder"], None, [Code.PINNED])


def test_a_policy_may_forbid_pinning_except_to_listed_subjects() -> None:
    shot = two_routes(overrides={"models": "Listed", "subjects": [{"tenant": "research", "user": "ada"}]})
    denied = decide(shot, request(model="coder"), signals(), ALL)
    assert denied.refusal is not None
    assert denied.refusal.kind is RefusalKind.FORBIDDEN
    assert "auto" in denied.refusal.message
    allowed = decide(shot, request(model="coder", subject=Subject("research", "ada")), signals(), ALL)
    assert names(allowed) == ["coder"]


def test_a_retired_name_is_answered_by_its_replacement_from_its_date_on() -> None:
    shot = snapshot(
        backend("new", replaces=[{"name": "old"}, {"name": "later", "notBefore": "2999-01-01T00:00:00Z"}]),
        policy(default={"backends": refs("new")}),
    )
    plan = decide(shot, request(model="old"), signals(), state("new"))
    assert names(plan) == ["new"]
    assert Code.RETIRED_NAME in codes(plan)
    assert decide(shot, request(model="later"), signals(), state("new")).refusal is not None


CAPABLE = {"capabilities": {"contextTokens": 1000, "outputTokens": 200, "tools": True, "vision": True, "json": True}}
LIMITED = {"capabilities": {"contextTokens": 150, "outputTokens": 100, "tools": False, "vision": False, "json": False}}


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"tools": True}, Code.NO_TOOLS),
        ({"vision": True}, Code.NO_VISION),
        ({"json": True}, Code.NO_JSON),
        ({"prompt_tokens": 151}, Code.CONTEXT_TOO_SHORT),
        ({"prompt_tokens": 10, "max_output_tokens": 101}, Code.OUTPUT_TOO_SHORT),
    ],
)
def test_a_backend_that_cannot_do_what_is_asked_is_rejected_with_the_reason(
    facts: dict[str, object], code: Code
) -> None:
    shot = snapshot(
        backend("limited", **LIMITED),
        backend("capable", **CAPABLE),
        policy(default={"backends": refs("limited", "capable")}),
    )
    plan = decide(shot, request(**facts), signals(), state("limited", "capable"))
    assert names(plan) == ["capable"]
    assert rejections(plan) == {"limited": code}


def test_an_empty_list_names_the_constraint_that_emptied_it() -> None:
    shot = snapshot(
        backend("limited", **LIMITED), backend("down", **CAPABLE), policy(default={"backends": refs("limited", "down")})
    )
    cooling = BackendState(endpoints=1, available=1, cooldown=7.0)
    plan = decide(shot, request(tools=True), signals(), state("limited", down=cooling))
    assert plan.refusal is not None
    assert (plan.refusal.code, plan.refusal.retry_after) == ("backends_cooling_down", 7.0)
    assert "1 NoTools" in plan.refusal.message
    only_limited = decide(shot, request(tools=True, model="limited"), signals(), state("limited"))
    assert only_limited.refusal is not None
    assert (only_limited.refusal.kind, only_limited.refusal.code) == (RefusalKind.INVALID, "tools_not_supported")


def test_residency_holds_for_every_fallback() -> None:
    shot = snapshot(
        backend("eu", labels={"residency": "eu"}),
        backend("us", labels={"residency": "us"}),
        backend("eu-default", labels={"residency": "eu"}),
        policy(
            routes=[route("legal", "us", "eu", backendSelector={"matchLabels": {"residency": "eu"}})],
            default={"backends": refs("us", "eu-default")},
        ),
    )
    plan = decide(shot, request(), signals({"legal": 1.0}), state("eu", "us", "eu-default"))
    assert names(plan) == ["eu", "eu-default"]
    assert rejections(plan) == {"us": Code.WRONG_LABELS}


def test_priorities_come_before_quality() -> None:
    shot = snapshot(
        backend("best", quality=QUALITY_90),
        backend("first", quality=QUALITY_60),
        policy(default={"backends": [{"name": "best", "priority": 1}, {"name": "first"}]}),
    )
    assert names(decide(shot, request(), signals(), state("best", "first"))) == ["first", "best"]


def prices(name: str, output: str, percent: int):
    return backend(name, pricing={"input": "1", "output": output}, quality=[{"category": "*", "percent": percent}])


@pytest.mark.parametrize(
    ("objective", "order"),
    [
        ("Quality", ["excellent", "good", "cheap"]),
        ("Balanced", ["excellent", "good", "cheap"]),
        ("Cost", ["cheap", "good", "excellent"]),
    ],
)
def test_objectives_order_by_what_they_are_named_for(objective: str, order: list[str]) -> None:
    shot = snapshot(
        prices("good", "10", 80),
        prices("cheap", "1", 60),
        prices("excellent", "100", 90),
        policy(default={"backends": refs("good", "cheap", "excellent")}, objective={"type": objective}),
    )
    assert names(decide(shot, request(), signals(), state("good", "cheap", "excellent"))) == order


def test_balanced_takes_the_cheapest_within_the_quality_band() -> None:
    shot = snapshot(
        prices("dear", "100", 80),
        prices("fair", "10", 79),
        prices("poor", "1", 60),
        policy(default={"backends": refs("dear", "fair", "poor")}),
    )
    assert names(decide(shot, request(), signals(), state("dear", "fair", "poor"))) == ["fair", "dear", "poor"]


def test_latency_takes_the_fastest_and_tries_the_unmeasured() -> None:
    shot = snapshot(
        backend("slow"),
        backend("fast"),
        policy(default={"backends": refs("slow", "fast")}, objective={"type": "Latency"}),
    )
    timed = state(
        slow=BackendState(endpoints=1, available=1, first_token=2.0),
        fast=BackendState(endpoints=1, available=1, first_token=0.1),
    )
    assert names(decide(shot, request(), signals(), timed)) == ["fast", "slow"]


def test_weights_split_the_traffic_and_the_session_key_decides() -> None:
    shot = snapshot(
        backend("three"),
        backend("one"),
        policy(default={"backends": [{"name": "three", "weight": 3}, {"name": "one", "weight": 1}]}),
    )
    well = state("three", "one")
    firsts = Counter(names(decide(shot, request(session=f"s{i}"), signals(), well))[0] for i in range(2000))
    assert 1400 < firsts["three"] < 1600
    again = {names(decide(shot, request(session="same", id=f"r{i}"), signals(), well))[0] for i in range(20)}
    assert len(again) == 1


def test_a_weight_of_zero_is_for_fallback_only() -> None:
    shot = snapshot(
        backend("main"),
        backend("spare"),
        policy(default={"backends": [{"name": "main", "weight": 1}, {"name": "spare", "weight": 0}]}),
    )
    orders = {tuple(names(decide(shot, request(id=str(i)), signals(), state("main", "spare")))) for i in range(50)}
    assert orders == {("main", "spare")}


def test_max_cost_rejects_what_is_too_dear() -> None:
    shot = snapshot(
        prices("dear", "1000", 90),
        prices("cheap", "1", 60),
        policy(default={"backends": refs("dear", "cheap")}, objective={"constraints": {"maxCost": "0.01"}}),
    )
    plan = decide(shot, request(), signals(), state("dear", "cheap"))
    assert names(plan) == ["cheap"]
    assert rejections(plan) == {"dear": Code.TOO_COSTLY}


MODES = [
    {"name": "fast", "reasoning": {"effort": "None"}, "objective": {"type": "Cost"}},
    {"name": "thinking", "phrases": ["think hard"], "reasoning": {"effort": "High"}, "objective": {"type": "Quality"}},
]
TOGGLE = {"capabilities": {"reasoning": {"type": "Toggle", "efforts": ["None", "Low", "High"]}}}


def thinker(**spec: object):
    return snapshot(
        backend("thinker", **TOGGLE),
        policy(
            routes=[route("code", "thinker", reasoning={"effort": "Low"})],
            default={"backends": refs("thinker")},
            modes=MODES,
            difficulty=[{"atLeastPercent": 70, "reasoning": {"effort": "High"}}],
            **spec,
        ),
    )


@pytest.mark.parametrize(
    ("facts", "observed", "effort", "mode"),
    [
        ({"model": "auto:fast", "effort": Effort.HIGH}, {"difficulty": 0.9}, Effort.HIGH, "fast"),
        ({"model": "auto:fast"}, {"difficulty": 0.9, "phrase_mode": "thinking"}, Effort.NONE, "fast"),
        ({"effort": Effort.HIGH}, {}, Effort.HIGH, "thinking"),
        ({"effort": Effort.LOW}, {}, Effort.LOW, None),
        ({}, {"phrase_mode": "thinking", "difficulty": 0.1}, Effort.HIGH, "thinking"),
        ({}, {"difficulty": 0.9}, Effort.HIGH, None),
        ({}, {"difficulty": 0.1}, Effort.LOW, None),
    ],
    ids=["client", "mode", "client-effort-names-mode", "client-effort", "phrase", "difficulty", "route"],
)
def test_precedence_of_effort_and_mode(
    facts: dict[str, object], observed: dict[str, object], effort: Effort, mode: str | None
) -> None:
    plan = decide(thinker(), request(**facts), signals({"code": 0.9}, **observed), state("thinker"))
    assert (plan.candidates[0].effort, plan.mode) == (effort, mode)


def test_a_policy_may_deny_modes() -> None:
    shot = thinker(overrides={"modes": "Deny"})
    named = decide(shot, request(model="auto:fast"), signals({"code": 0.9}), state("thinker"))
    assert named.refusal is not None
    assert named.refusal.code == "mode_not_allowed"
    asked = decide(shot, request(effort=Effort.HIGH), signals({"code": 0.9}), state("thinker"))
    assert asked.candidates[0].effort is Effort.LOW
    assert Code.MODE_DENIED in codes(asked)


def test_where_nobody_says_the_need_for_reasoning_switches_thinking() -> None:
    shot = snapshot(backend("thinker", **TOGGLE), policy(default={"backends": refs("thinker")}))
    effort = {
        need: decide(shot, request(), signals(reasoning=need), state("thinker")).candidates[0].effort
        for need in (0.1, 0.9)
    }
    assert effort == {0.1: Effort.NONE, 0.9: Effort.LOW}  # Medium is not known: the lower of two equally near


@pytest.mark.parametrize(
    ("wanted", "kind", "sent"),
    [
        (Effort.HIGH, {"type": "None"}, None),
        (Effort.NONE, {"type": "Always", "efforts": ["Low", "High"]}, Effort.LOW),
        (Effort.X_HIGH, {"type": "Toggle", "efforts": ["None", "Low", "High"]}, Effort.HIGH),
        (Effort.MINIMAL, {"type": "Toggle", "efforts": ["None", "High"]}, Effort.HIGH),
        (Effort.NONE, {"type": "Toggle", "parameter": "ChatTemplateKwargs"}, Effort.NONE),
        (Effort.HIGH, {"type": "Toggle", "parameter": "ChatTemplateKwargs"}, Effort.MEDIUM),
    ],
)
def test_an_effort_is_mapped_to_what_the_backend_knows(
    wanted: Effort, kind: dict[str, object], sent: Effort | None
) -> None:
    shot = snapshot(backend("model", capabilities={"reasoning": kind}), policy(default={"backends": refs("model")}))
    plan = decide(shot, request(effort=wanted), signals(), state("model"))
    assert plan.candidates[0].effort is sent
    adjusted = Code.EFFORT_ADJUSTED in [reason.code for reason in plan.candidates[0].reasons]
    assert adjusted is (sent is not wanted)


def test_difficulty_asks_its_own_backends_first_and_the_route_after() -> None:
    shot = snapshot(
        backend("big"),
        backend("coder"),
        policy(
            routes=[route("code", "coder")],
            default={"backends": refs("coder")},
            difficulty=[{"atLeastPercent": 70, "backends": refs("big")}],
        ),
    )
    easy = decide(shot, request(), signals({"code": 0.9}, difficulty=0.3), state("big", "coder"))
    hard = decide(shot, request(), signals({"code": 0.9}, difficulty=0.8), state("big", "coder"))
    assert (names(easy), names(hard)) == (["coder"], ["big", "coder"])
    assert Code.DIFFICULT in codes(hard)


def metered(action: dict[str, object], **quota: object):
    rules = {"name": "daily", "resource": "Tokens", "limit": "5000", "window": {"type": "Rolling", "length": "24h"}}
    return snapshot(
        backend("big", pricing={"output": "10"}),
        backend("small"),
        policy(
            default={"backends": refs("big")},
            quotas=[{**rules, "match": {"tenants": ["free"]}, "onExhausted": action, **quota}],
        ),
    )


FREE = Subject("free", "ada", "k1")


def spent(shot, remaining: int) -> dict[str, Balance]:
    (probe,) = subject_probes(shot.policies["ai/assistant"], request(subject=FREE))
    return {probe.key: Balance(remaining, 600.0)}


def test_a_spent_quota_downgrades_with_a_notice_and_outside_the_quota() -> None:
    shot = metered({"action": "Downgrade", "backends": refs("small")})
    plan = decide(shot, request(subject=FREE), signals(), state("big", "small", balances=spent(shot, 50)))
    assert (names(plan), plan.downgraded) == (["small"], "daily")
    assert plan.candidates[0].charges == ()
    assert rejections(plan) == {"big": Code.QUOTA_SPENT}
    assert Code.DOWNGRADED in codes(plan)


def test_a_spent_quota_may_reject_and_says_for_how_long() -> None:
    shot = metered({"action": "Reject"})
    plan = decide(shot, request(subject=FREE), signals(), state("big", "small", balances=spent(shot, 50)))
    assert plan.refusal is not None
    assert (plan.refusal.kind, plan.refusal.retry_after) == (RefusalKind.QUOTA_EXCEEDED, 600.0)


def test_a_quota_holds_only_for_the_tenants_that_it_names() -> None:
    shot = metered({"action": "Reject"})
    plan = decide(shot, request(subject=Subject("paid", "ada")), signals(), state("big", "small"))
    assert names(plan) == ["big"]
    assert plan.candidates[0].charges == ()


def test_reserved_are_the_prompt_and_a_bounded_answer() -> None:
    shot = metered({"action": "Reject"})
    well = state("big", "small")
    amounts = [
        decide(shot, request(subject=FREE, max_output_tokens=limit), signals(), well).candidates[0].charges[0].amount
        for limit in (None, 10, 4000)
    ]
    assert amounts == [1124, 110, 1124]


def test_a_cost_quota_lets_the_cheaper_backend_pass() -> None:
    shot = snapshot(
        prices("dear", "1000", 90),
        prices("cheap", "1", 60),
        policy(
            default={"backends": refs("dear", "cheap")},
            quotas=[
                {"name": "money", "resource": "Cost", "limit": "0.5", "window": {"type": "Calendar", "period": "Month"}}
            ],
        ),
    )
    plan = decide(shot, request(), signals(), state("dear", "cheap"))
    assert (names(plan), rejections(plan)) == (["cheap"], {"dear": Code.QUOTA_SPENT})


def test_backend_limits_are_charged() -> None:
    limits = {"concurrency": 2, "requestsPerMinute": 10, "tokensPerMinute": 9000, "tokensPerDay": 90000}
    shot = snapshot(backend("small", limits=limits), policy(default={"backends": refs("small")}))
    (candidate,) = decide(shot, request(), signals(), state("small")).candidates
    assert [(charge.name, charge.amount, charge.limit) for charge in candidate.charges] == [
        ("concurrency", 1, 2),
        ("requestsPerMinute", 1, 10),
        ("tokensPerMinute", 1124, 9000),
        ("tokensPerDay", 1124, 90000),
    ]


def session(name: str, route: str = "default", tokens: int = 0) -> SessionState:
    return SessionState(route, None, f"ai/{name}", tokens)


def test_a_conversation_keeps_its_model_among_equals() -> None:
    shot = snapshot(backend("a"), backend("b"), policy(default={"backends": refs("a", "b")}))
    for current in ("a", "b"):
        plan = decide(shot, request(session="s"), signals(), state("a", "b", session=session(current)))
        assert names(plan)[0] == current


def test_a_conversation_moves_up_when_quality_pays_and_down_only_for_much_cost() -> None:
    shot = snapshot(
        prices("strong", "10", 90), prices("weak", "9", 60), policy(default={"backends": refs("strong", "weak")})
    )
    up = decide(shot, request(session="s"), signals(), state("strong", "weak", session=session("weak")))
    assert names(up)[0] == "strong"
    assert Code.SESSION_SWITCHED in [reason.code for reason in up.candidates[0].reasons]
    by_cost = snapshot(
        prices("strong", "10", 90),
        prices("weak", "9", 60),
        policy(default={"backends": refs("strong", "weak")}, objective={"type": "Cost"}),
    )
    stays = decide(by_cost, request(session="s"), signals(), state("strong", "weak", session=session("strong")))
    assert names(stays)[0] == "strong"


def test_a_conversation_leaves_a_model_that_cannot_answer() -> None:
    shot = snapshot(backend("a"), backend("b"), policy(default={"backends": refs("a", "b")}))
    plan = decide(shot, request(session="s"), signals(), state("b", session=session("a"), a=BackendState(endpoints=1)))
    assert names(plan) == ["b"]


def test_required_affinity_stays_against_priority() -> None:
    shot = snapshot(
        backend("first", quality=QUALITY_90),
        backend("second", quality=QUALITY_60),
        policy(
            default={"backends": [{"name": "first"}, {"name": "second", "priority": 1}]},
            session={"affinity": "Require"},
        ),
    )
    plan = decide(shot, request(session="s"), signals(), state("first", "second", session=session("second")))
    assert names(plan) == ["second", "first"]


def test_embeddings_never_switch_models() -> None:
    embeds = {"capabilities": {"operations": ["Embeddings"]}}
    shot = snapshot(
        backend("chat"),
        backend("embed-a", **embeds),
        backend("embed-b", **embeds),
        policy(default={"backends": refs("chat", "embed-b", "embed-a")}),
    )
    ask = request(operation=Operation.EMBEDDINGS)
    assert names(decide(shot, ask, signals(), state("chat", "embed-a", "embed-b"))) == ["embed-a"]
    down = decide(shot, ask, signals(), state("chat", "embed-b", embed_a=BackendState(endpoints=1)))
    assert names(down) == ["embed-a"]
    assert Code.LAST_RESORT in [reason.code for reason in down.candidates[0].reasons]


def test_category_and_difficulty_choose_the_abler_backend() -> None:
    shot = snapshot(
        backend("coder", quality=[{"category": "code", "percent": 90}, {"category": "*", "percent": 40}]),
        backend("writer", quality=[{"category": "writing", "percent": 90}, {"category": "*", "percent": 40}]),
        policy(default={"backends": refs("coder", "writer")}, objective={"type": "Quality"}),
    )
    well = state("coder", "writer")
    assert names(decide(shot, request(), signals(category={"code": 1.0}), well))[0] == "coder"
    assert names(decide(shot, request(), signals(category={"writing": 0.9, "code": 0.1}), well))[0] == "writer"
    easy, hard = (
        decide(shot, request(), signals(category={"code": 1.0}, difficulty=difficulty), well).candidates[0].quality
        for difficulty in (0.1, 0.9)
    )
    assert easy > 0.9 > hard


def test_a_turn_that_fits_nothing_stays_on_the_conversations_route() -> None:
    shot = two_routes()
    held = state("coder", "writer", "small", session=SessionState("code", None, "ai/coder", 0))
    vague = decide(shot, request("yes, please", session="s"), signals({"code": 0.2, "writing": 0.1}), held)
    assert (vague.route, codes(vague)) == ("code", [Code.ROUTE_KEPT])
    unlikely = decide(shot, request("what a day", session="s"), signals({"code": 0.01, "writing": 0.1}), held)
    assert unlikely.route == "default"
    other = decide(shot, request("write me a poem", session="s"), signals({"code": 0.2, "writing": 0.9}), held)
    assert other.route == "writing"


def test_by_cost_a_conversation_moves_to_what_saves_enough() -> None:
    shot = snapshot(
        prices("dear", "10", 90),
        prices("cheap", "5", 40),
        policy(default={"backends": refs("dear", "cheap")}, objective={"type": "Cost"}),
    )
    plan = decide(shot, request(session="s"), signals(), state("dear", "cheap", session=session("dear")))
    assert names(plan)[0] == "cheap"


def test_when_all_are_ejected_they_are_tried_all_the_same() -> None:
    shot = snapshot(backend("a"), backend("b"), backend("c"), policy(default={"backends": refs("a", "b", "c")}))
    gone, down = BackendState(), BackendState(endpoints=1, available=0)
    plan = decide(
        shot, request(), signals(), state(a=down, b=gone, c=BackendState(endpoints=1, available=0, cooldown=5.0))
    )
    assert names(plan) == ["a"]
    assert rejections(plan) == {"b": Code.NO_ENDPOINTS, "c": Code.COOLING_DOWN}
    one_well = decide(shot, request(), signals(), state("b", a=down, c=down))
    assert names(one_well) == ["b"]


def test_a_spent_quota_downgrades_even_while_its_backends_are_ejected() -> None:
    shot = metered({"action": "Downgrade", "backends": refs("small")})
    how = state("small", balances=spent(shot, 50), big=BackendState(endpoints=1, available=0))
    assert names(decide(shot, request(subject=FREE), signals(), how)) == ["small"]


def test_a_request_larger_than_the_whole_quota_is_not_told_to_wait() -> None:
    shot = metered({"action": "Reject"})
    plan = decide(shot, request(subject=FREE, prompt_tokens=6000), signals(), state("big", "small"))
    assert plan.refusal is not None
    assert plan.refusal.retry_after is None
    assert "more than the whole quota" in plan.refusal.message


def test_a_conversation_returns_to_the_preferred_backend() -> None:
    shot = snapshot(
        backend("first"),
        backend("spare"),
        policy(default={"backends": [{"name": "first"}, {"name": "spare", "priority": 1}]}),
    )
    plan = decide(shot, request(session="s"), signals(), state("first", "spare", session=session("spare")))
    assert names(plan) == ["first", "spare"]


def test_embeddings_are_not_routed_by_content() -> None:
    embeds = {"capabilities": {"operations": ["Embeddings"]}}
    shot = snapshot(
        backend("a", **embeds),
        backend("b", **embeds),
        policy(
            routes=[{"name": "python", "match": {"keywords": ["python"]}, "backends": refs("b")}],
            default={"backends": refs("a")},
        ),
    )
    ask = request("I love python", operation=Operation.EMBEDDINGS)
    plan = decide(shot, ask, signals(matched=frozenset({"python"})), state("a", "b"))
    assert (names(plan), codes(plan)) == (["a"], [Code.EMBEDDINGS])


def test_a_right_to_one_virtual_name_is_no_right_to_the_others() -> None:
    shot = snapshot(backend("a"), policy(virtualModels=["auto", "vip"], default={"backends": refs("a")}))
    rights = Rights(models=("auto",))
    assert names(decide(shot, request(rights=rights), signals(), state("a"))) == ["a"]
    assert decide(shot, request(model="vip", rights=rights), signals(), state("a")).refusal is not None
