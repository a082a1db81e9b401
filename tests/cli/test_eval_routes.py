"""`pointsman eval routes`, as a user runs it on the example's files."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ROOT, Run

EXAMPLE = ROOT / "examples" / "eval"
CASES = EXAMPLE / "cases.jsonl"
SECRET = "the quick brown secret"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def case(text: str, route: str | None, **more: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], "route": route, **more}


def test_everything_is_reported(pointsman: Run, tmp_path: Path) -> None:
    figures, report = tmp_path / "figures.json", tmp_path / "report"
    done = pointsman("eval", "routes", "--policy", EXAMPLE, "--cases", CASES, "--json", figures, "--report", report)
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout
    found = json.loads(figures.read_text())
    assert found["n"] == 48
    assert found["conversations"] == 3
    assert found["accuracy"] > 0.6
    assert found["intervals"]["accuracy"][0] <= found["accuracy"] <= found["intervals"]["accuracy"][1]
    assert set(found["by_language"]) == {"en", "de", "es", "fr"}
    assert found["out_of_scope_auc"] > 0.7
    assert found["p50_ms"] > 0
    assert {"accuracy_by_conversation", "accuracy_without_sessions", "calibration_error", "by_route"} <= set(found)
    assert len(found["data"]["sha256"]) == 64
    text = (report / "report.md").read_text("utf-8")
    for heading in ("By language", "By route", "Confused most often", "Made from"):
        assert f"## {heading}" in text
    for plot in ("reliability.svg", "confusion.svg", "languages.svg"):
        assert "<svg" in (report / plot).read_text("utf-8")
        assert plot in text
    with (report / "mistakes.csv").open(encoding="utf-8") as file:
        wrong = list(csv.DictReader(file))
    assert len(wrong) == found["n"] - round(found["accuracy"] * found["n"])
    labels = [row["route"] or "none" for row in lines(CASES)]
    assert all(labels[int(row["line"]) - 1] == row["route"] != row["chosen"] for row in wrong)
    everything = done.stdout + done.stderr + "".join(file.read_text("utf-8") for file in report.iterdir())
    assert not any(turn["content"] in everything for row in lines(CASES) for turn in row["messages"])


def test_equal_runs_give_equal_figures_and_json_goes_to_stdout_too(pointsman: Run) -> None:
    first, second = (
        json.loads(pointsman("eval", "routes", "--policy", EXAMPLE, "--cases", CASES, "--json", "-").stdout)
        for _ in range(2)
    )
    assert {k: v for k, v in first.items() if not k.endswith("_ms")} == {
        k: v for k, v in second.items() if not k.endswith("_ms")
    }


def test_a_policy_without_its_backends_routes_the_same(pointsman: Run, tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    folder.mkdir()
    (folder / "policy.yaml").write_text((EXAMPLE / "policy.yaml").read_text())
    ours = pointsman("eval", "routes", "--policy", folder, "--cases", CASES, "--json", "-")
    whole = pointsman("eval", "routes", "--policy", EXAMPLE, "--cases", CASES, "--json", "-")
    assert ours.returncode == 0, ours.stderr
    assert "stand-in" in ours.stderr
    assert json.loads(ours.stdout)["confusion"] == json.loads(whole.stdout)["confusion"]


def test_turns_are_asked_in_their_order_wherever_they_stand(pointsman: Run, tmp_path: Path) -> None:
    rows = lines(CASES)
    mixed = write(tmp_path / "mixed.jsonl", rows[::-1])
    shuffled, straight = (
        json.loads(pointsman("eval", "routes", "--policy", EXAMPLE, "--cases", file, "--json", "-").stdout)
        for file in (mixed, CASES)
    )
    for name in ("accuracy", "accuracy_by_conversation", "accuracy_without_sessions", "out_of_scope_auc", "confusion"):
        assert shuffled[name] == straight[name]


def test_without_sessions_each_line_is_alone(pointsman: Run) -> None:
    done = pointsman("eval", "routes", "--policy", EXAMPLE, "--cases", CASES, "--no-sessions", "--json", "-")
    found = json.loads(done.stdout)
    assert found["accuracy"] == found["accuracy_without_sessions"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (case("Hi", "cod"), "line 2: policy evaluation/studio has no route 'cod'; did you mean code?"),
        ({"messages": [{"role": "user", "content": "Hi"}]}, "give the name of a route of the policy, or null"),
        (case("Hi", "code") | {"messages": []}, "line 2: "),
        (case("Hi", "code") | {"messages": SECRET}, "give the conversation as a list"),
        (case("Hi", "code") | {"messages": [{"role": "system", "content": SECRET}]}, "no turn of a user"),
        (case("Hi", "code", turn="two"), "a whole number"),
        ([SECRET], "line 2: "),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_without_its_text(
    pointsman: Run, tmp_path: Path, row: object, says: str
) -> None:
    file = write(tmp_path / "cases.jsonl", [case("Write a loop in Go.", "code"), row])
    done = pointsman("eval", "routes", "--policy", EXAMPLE, "--cases", file)
    assert done.returncode == 2
    assert says in done.stderr
    assert "line 2" in done.stderr
    assert SECRET not in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"messages": [\n', "line 1: is not one JSON object"),
        (b"\n\n", "holds no cases"),
        (b"\xff\xfe{}\n", "line 1: is not UTF-8"),
    ],
)
def test_files_that_hold_no_cases_are_named(pointsman: Run, tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_bytes(content)
    done = pointsman("eval", "routes", "--policy", EXAMPLE, "--cases", file)
    assert done.returncode == 2
    assert says in done.stderr


def test_what_cannot_be_found_is_named(pointsman: Run, tmp_path: Path) -> None:
    missing = pointsman("eval", "routes", "--policy", EXAMPLE, "--cases", tmp_path / "no.jsonl")
    model = pointsman("eval", "routes", "--policy", EXAMPLE, "--cases", CASES, "--model", "nobody")
    where = pointsman("eval", "routes", "--policy", EXAMPLE, "--cases", CASES, "--classifier", "elsewhere")
    assert (missing.returncode, model.returncode, where.returncode) == (2, 2, 2)
    assert "no.jsonl" in missing.stderr
    assert "--model" in model.stderr and "auto" in model.stderr
    assert "triton://HOST:PORT" in where.stderr


def test_rules_decide_as_in_the_router(pointsman: Run, tmp_path: Path) -> None:
    """A route of match rules alone takes what they admit, whatever the scores say."""
    folder = tmp_path / "policy"
    folder.mkdir()
    text = (EXAMPLE / "policy.yaml").read_text()
    rule = "  routes:\n  - name: urgent\n    match: {keywords: [asap]}\n    backends: [{name: small}]\n"
    (folder / "policy.yaml").write_text(text.replace("  routes:\n", rule, 1))
    cases = [
        case("Write a loop in Go, asap.", "urgent"),
        case("Write a loop in Go.", "code"),
        case("Hello!", "default"),
    ]
    file = write(tmp_path / "cases.jsonl", cases)
    found = json.loads(pointsman("eval", "routes", "--policy", folder, "--cases", file, "--json", "-").stdout)
    assert found["reasons"]["RouteMatched"] == 1
    assert found["by_route"]["urgent"]["recall"] == 1.0
    assert found["by_route"]["urgent"]["taken"] == 1
    assert found["out_of_scope_n"] == 1
