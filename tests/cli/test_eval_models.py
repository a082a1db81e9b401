"""`pointsman eval models`, as a user runs it on the example's files."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ROOT, Run

EXAMPLE = ROOT / "examples" / "eval"
OUTCOMES = EXAMPLE / "outcomes.jsonl"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_a_pair_is_reported(pointsman: Run, tmp_path: Path) -> None:
    figures, report = tmp_path / "figures.json", tmp_path / "report"
    done = pointsman("eval", "models", "--outcomes", OUTCOMES, "--json", figures, "--report", report)
    assert done.returncode == 0, done.stderr
    assert "APGR" in done.stdout
    found = json.loads(figures.read_text())
    assert found["n"] == 32
    assert found["strong"]["model"] == "large"
    assert found["apgr"] > 0.4
    assert found["intervals"]["apgr"][0] <= found["apgr"] <= found["intervals"]["apgr"][1]
    assert 0 < found["cpt50"] < found["cpt80"] < 1
    assert found["baselines"]["random"]["apgr"] == pytest.approx(0.5)
    assert found["baselines"]["oracle"]["apgr"] >= found["apgr"]
    assert found["costs"] is None
    assert "aiq" not in found
    text = (report / "report.md").read_text("utf-8")
    assert "## Beside other orders" in text
    assert "<svg" in (report / "recovered.svg").read_text("utf-8")
    everything = done.stdout + done.stderr + "".join(file.read_text("utf-8") for file in report.iterdir())
    assert not any(row["messages"][0]["content"] in everything for row in lines(OUTCOMES))


def test_more_models_with_costs_are_reported(pointsman: Run, tmp_path: Path) -> None:
    rows = [
        {**row, "quality": {**row["quality"], "middle": (row["quality"]["small"] + row["quality"]["large"]) / 2}}
        for row in lines(OUTCOMES)
    ]
    file, costs = write(tmp_path / "three.jsonl", rows), tmp_path / "costs.json"
    costs.write_text(json.dumps({"small": 0.001, "middle": 0.004, "large": {"input": "1", "output": "3"}}))
    figures, report = tmp_path / "figures.json", tmp_path / "report"
    done = pointsman("eval", "models", "--outcomes", file, "--costs", costs, "--json", figures, "--report", report)
    assert done.returncode == 0, done.stderr
    found = json.loads(figures.read_text())
    assert "apgr" not in found
    assert found["best_single"]["model"] == "large"
    assert found["oracle_quality"] >= found["quality"]
    assert found["gap_to_oracle"] == pytest.approx(found["oracle_quality"] - found["quality"])
    assert found["aiq"] <= found["aiq_oracle"] + 1e-9
    assert found["singles"]["small"]["cost"] == pytest.approx(0.001)
    assert "<svg" in (report / "cost-quality.svg").read_text("utf-8")


def test_a_policy_states_qualities_and_prices(pointsman: Run) -> None:
    done = pointsman("eval", "models", "--outcomes", OUTCOMES, "--policy", EXAMPLE, "--json", "-")
    found = json.loads(done.stdout)
    assert found["expected_quality"] == "the backends' quality"
    assert found["costs"] == "the backends' prices"
    assert found["apgr"] > 0.4
    assert found["singles"]["large"]["cost"] > found["singles"]["small"]["cost"] > 0


def test_costs_of_the_lines_come_first(pointsman: Run, tmp_path: Path) -> None:
    rows = [{**row, "cost": {"small": 1, "large": 2}} for row in lines(OUTCOMES)]
    file = write(tmp_path / "outcomes.jsonl", rows)
    found = json.loads(pointsman("eval", "models", "--outcomes", file, "--policy", EXAMPLE, "--json", "-").stdout)
    assert found["singles"]["large"]["cost"] == 2.0


def asked(quality: object, **more: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Hi there, friend"}], "quality": quality, **more}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (asked({"small": 1}), "the same models on every line"),
        (asked({"small": 1, "large": 2}), "between 0 and 1"),
        (asked({"small": 1, "large": "good"}), "one number from 0 to 1 per model"),
        (asked({"small": 1, "large": 1}, cost={"small": 1}), "cost must name every model"),
        ({"quality": {"small": 1, "large": 1}}, "give the conversation as a list"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(pointsman: Run, tmp_path: Path, row: object, says: str) -> None:
    file = write(tmp_path / "outcomes.jsonl", [asked({"small": 0, "large": 1}), row])
    done = pointsman("eval", "models", "--outcomes", file)
    assert done.returncode == 2
    assert "line 2" in done.stderr
    assert says in done.stderr
    assert "friend" not in done.stderr


def test_what_cannot_be_used_is_named(pointsman: Run, tmp_path: Path) -> None:
    costs = tmp_path / "costs.json"
    costs.write_text('{"small": 1}')
    short = pointsman("eval", "models", "--outcomes", OUTCOMES, "--costs", costs)
    equal = pointsman("eval", "models", "--outcomes", write(tmp_path / "e.jsonl", [asked({"a": 1, "b": 1})]))
    one = pointsman("eval", "models", "--outcomes", write(tmp_path / "o.jsonl", [asked({"a": 1})]))
    foreign = pointsman(
        "eval", "models", "--outcomes", write(tmp_path / "f.jsonl", [asked({"a": 0, "b": 1})]), "--policy", EXAMPLE
    )
    assert (short.returncode, equal.returncode, one.returncode, foreign.returncode) == (2, 2, 2, 2)
    assert "has no cost of large" in short.stderr
    assert "no gap to recover" in equal.stderr
    assert "fewer than two models" in one.stderr
    assert "no ModelBackend for model a" in foreign.stderr
