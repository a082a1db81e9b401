"""The makers of evaluation files write what `pointsman eval` reads."""

from pathlib import Path

import numpy as np
from train.cases.files import Case, Outcome, OutcomeSet, Route, RouteSet, label, said, write_outcomes, write_routes

from pointsman.cli.evaluate.costs import cost_of, read_costs
from pointsman.cli.evaluate.models import open_outcomes, read_outcomes
from pointsman.cli.evaluate.policy import load_policy
from pointsman.cli.evaluate.routes import open_cases, plan_cases
from pointsman.core.request import Request


def test_a_route_set_is_a_policy_and_its_cases(tmp_path: Path) -> None:
    routes = (
        Route("find-bus", "buses", "", "Finds a bus: when, where?", ("- Is there a bus?",)),
        Route("pay", "money"),
    )
    talk = (*said("Any bus to Rome?"), {"role": "assistant", "content": "At nine."}, *said("Pay for it."))
    cases = [Case(talk, "pay", "en", "a", 2), Case(talk[:1], "find-bus", "en", "a", 1), Case(said("Hello"), None)]
    entry = write_routes(tmp_path, RouteSet("buses", "two routes", ("none",), routes, cases))
    ruling = load_policy(tmp_path / entry["policy"])
    assert [route.name for route in ruling.policy.routes] == ["find-bus", "pay"]
    assert ruling.policy.routes[0].examples == ("- Is there a bus?",)
    assert not ruling.policy.problem and "stand-in" in ruling.notes[0]
    plan = plan_cases(open_cases(tmp_path / entry["file"]), ruling)
    assert [place.number for place in plan.places] == [2, 1, 3]  # a conversation's turns in their order
    assert plan.truth == [0, 1, -1]
    assert plan.conversation == [0, 0, 1]
    assert plan.named == [True, True, False]
    assert plan.languages == ("en",)


def test_an_outcome_set_is_outcomes_and_costs(tmp_path: Path) -> None:
    outcomes = [Outcome("One?", {"b": 0.0, "a": 1.0}, "facts"), Outcome("Two?", {"a": 0.5, "b": 1.0})]
    costs = {"a": 0.25, "b": {"input": "1.00", "output": "2"}}
    entry = write_outcomes(tmp_path, OutcomeSet("two", "two models", ("none",), outcomes, costs))
    found = read_outcomes(open_outcomes(tmp_path / entry["file"]))
    assert found.models == ("a", "b")
    assert np.array_equal(found.quality, [[1.0, 0.0], [0.5, 1.0]])
    assert found.category == ["facts", ""]
    prices = read_costs(tmp_path / entry["costs"], found.models)
    request = Request(id="1", model="a", prompt_tokens=1_000_000)
    assert cost_of(prices, "a", request) == 0.25
    assert cost_of(prices, "b", request) == 1.0 + 2 * 1024 / 1e6


def test_names_become_labels() -> None:
    assert label("GetRide") == "get-ride"
    assert label("alarm/set_alarm") == "alarm-set-alarm"
    assert len(label("x" * 90)) == 63
