"""What holds for every request, whatever the policy says."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.decide import decide
from pointsman.core.decide.charges import subject_probes
from pointsman.core.plan import Code, RefusalKind
from pointsman.core.quota import Balance
from pointsman.core.request import Effort, Request, Subject
from pointsman.core.signals import ClassifierOutcome, Signals
from pointsman.core.snapshot import Snapshot
from pointsman.core.state import BackendState, SessionState, State
from tests.support.build import backend, policy, refs, request, route, signals, snapshot

NAMES = [f"b{n}" for n in range(6)]
ROUTES = ["code", "writing", "legal"]

backends = st.fixed_dictionaries(
    {
        "labels": st.sampled_from([{}, {"residency": "eu"}]),
        "quality": st.integers(0, 100).map(lambda percent: [{"category": "*", "percent": percent}]),
        "pricing": st.integers(0, 50).map(lambda price: {"input": str(price), "output": str(2 * price)}),
        "capabilities": st.fixed_dictionaries(
            {
                "contextTokens": st.sampled_from([200, 2000, 20000]),
                "tools": st.booleans(),
                "vision": st.booleans(),
                "json": st.booleans(),
                "reasoning": st.sampled_from([{"type": "None"}, {"type": "Always"}, {"type": "Toggle"}]),
            }
        ),
    }
)
subsets = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True)


@st.composite
def references(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [
        {"name": name, "priority": draw(st.integers(0, 1)), "weight": draw(st.integers(0, 3))} for name in draw(subsets)
    ]


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    selector = st.sampled_from([{}, {"backendSelector": {"matchLabels": {"residency": "eu"}}}])
    quota = {"name": "q", "window": {"type": "Rolling", "length": "1h"}, "limit": "3000"}
    action = draw(
        st.sampled_from([{"action": "Reject"}, {"action": "Downgrade", "backends": refs("b0")}]),
    )
    return snapshot(
        *(backend(name, **draw(backends)) for name in NAMES),
        policy(
            routes=[route(name, **draw(selector)) | {"backends": draw(references())} for name in ROUTES],
            default={"backends": draw(references())},
            objective={"type": draw(st.sampled_from(["Quality", "Balanced", "Cost", "Latency"]))},
            quotas=[
                {**quota, "resource": draw(st.sampled_from(["Requests", "Tokens", "Cost"])), "onExhausted": action}
            ],
            difficulty=[{"atLeastPercent": 60, "backends": draw(references())}],
            session={"affinity": draw(st.sampled_from(["None", "Prefer", "Require"]))},
        ),
    )


requests = st.builds(
    request,
    model=st.sampled_from(["auto", "b1", "org/b2"]),
    prompt_tokens=st.integers(0, 3000),
    max_output_tokens=st.none() | st.integers(1, 3000),
    tools=st.booleans(),
    vision=st.booleans(),
    json=st.booleans(),
    effort=st.none() | st.sampled_from(Effort),
    session=st.sampled_from(["", "s1", "s2"]),
    subject=st.just(Subject("t", "u", "k")),
)
scores = st.floats(0, 1)
known = st.builds(
    signals,
    st.fixed_dictionaries(dict.fromkeys(ROUTES, scores)),
    difficulty=st.none() | scores,
    reasoning=st.none() | scores,
    classifier=st.sampled_from(ClassifierOutcome),
)


@st.composite
def states(draw: st.DrawFn) -> State:
    how = st.builds(
        BackendState,
        endpoints=st.just(2),
        available=st.integers(0, 2),
        cooldown=st.sampled_from([0.0, 0.0, 5.0]),
        first_token=st.none() | st.floats(0.001, 10),
        headroom=st.floats(0, 1),
    )
    session = st.none() | st.builds(
        SessionState,
        route=st.sampled_from(ROUTES),
        mode=st.none(),
        backend=st.sampled_from([f"ai/{name}" for name in NAMES]),
        prefix_tokens=st.integers(0, 2000),
    )
    return State(now=1e6, backends={f"ai/{name}": draw(how) for name in NAMES}, session=draw(session))


@given(snapshots(), requests, known, states(), st.integers(-100, 4000))
@settings(max_examples=100, deadline=None)
def test_every_plan_keeps_its_promises(shot: Snapshot, ask: Request, said: Signals, how: State, left: int) -> None:
    (probe,) = subject_probes(shot.policies["ai/assistant"], ask)
    how = State(now=how.now, backends=how.backends, session=how.session, balances={probe.key: Balance(left, 60.0)})
    plan = decide(shot, ask, said, how)

    assert plan == decide(shot, ask, said, how), "deterministic"
    assert bool(plan.candidates) != (plan.refusal is not None), "candidates or a refusal, never both or neither"
    keys = [candidate.backend for candidate in plan.candidates]
    assert len(keys) == len(set(keys)), "no backend twice"
    assert not set(keys) & {each.backend for each in plan.rejected if each.reason.code is not Code.QUOTA_SPENT}
    route_chosen = next((each for each in shot.policies["ai/assistant"].routes if each.name == plan.route), None)
    for candidate in plan.candidates:
        model, state = shot.backends[candidate.backend], how.backends[candidate.backend]
        assert model.context_tokens is not None
        assert ask.prompt_tokens + (ask.max_output_tokens or 0) <= model.context_tokens
        assert (model.tools or not ask.tools) and (model.vision or not ask.vision) and (model.json or not ask.json)
        assert state.cooldown == 0
        assert state.available > 0 or Code.LAST_RESORT in [reason.code for reason in candidate.reasons]
        if route_chosen is not None:
            assert all(model.labels.get(label) == value for label, value in route_chosen.selector.items())
        for charge in candidate.charges:
            assert charge.amount <= max(left, 0) if charge.key == probe.key else True
        if model.reasoning.type == "None":
            assert candidate.effort is None
    if plan.refusal is not None and plan.refusal.kind is not RefusalKind.QUOTA_EXCEEDED:
        assert plan.rejected, "whoever is refused is told what stood in the way"
    if plan.downgraded is not None:
        assert all(candidate.tier == "downgrade" for candidate in plan.candidates)


@given(snapshots(), requests, known, states(), st.permutations(NAMES))
@settings(max_examples=40, deadline=None)
def test_the_order_of_a_mapping_never_matters(
    shot: Snapshot, ask: Request, said: Signals, how: State, order: list[str]
) -> None:
    shuffled = State(
        now=how.now, session=how.session, backends={f"ai/{name}": how.backends[f"ai/{name}"] for name in order}
    )
    assert decide(shot, ask, said, how) == decide(shot, ask, said, shuffled)


@given(snapshots(), known, states())
@settings(max_examples=40, deadline=None)
def test_replicas_agree_without_shared_state(shot: Snapshot, said: Signals, how: State) -> None:
    """Whatever its id, a conversation's request is ordered alike."""
    plans = [decide(shot, request(id=f"r{n}", session="one", subject=Subject("t", "u")), said, how) for n in range(5)]
    assert len({tuple(candidate.backend for candidate in plan.candidates) for plan in plans}) == 1
