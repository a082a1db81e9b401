"""A user's own labelled cases: what is read of them, what is refused, and that outcomes teach."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pointsman_classifier.gain import mixture
from train import labelled
from train.linear import Linear, ridge
from train.measures import apgr, binary_calibration_error, rank_correlation

from pointsman.core.errors import ConfigError

CLASSIFIER = Path(__file__).parents[2] / "classifier"


def write(path: Path, *lines: Any) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines), "utf-8")
    return path


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_cases_give_categories_and_needs(tmp_path: Path) -> None:
    file = write(
        tmp_path / "cases.jsonl",
        {"messages": user("Sum these invoices"), "category": "finance", "route": "billing"},
        {"messages": [*user("hi"), {"role": "assistant", "content": "hello"}, *user("book it")], "tool_need": True},
        {"messages": user("only a route"), "route": None},
    )
    first, second = labelled.cases(file)
    assert (first.source, first.text, first.category, first.tool_need) == (
        labelled.SOURCE,
        "Sum these invoices",
        "finance",
        None,
    )
    assert (second.text, second.category, second.tool_need) == ("book it", None, 1.0)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"messages": user("x"), "category": "invoices"}, ("line 2", "`category`", "finance")),
        ({"messages": user("x"), "reasoning": "yes"}, ("line 2", "reasoning", "bool")),
        ({"messages": "x", "category": "code"}, ("line 2", "messages", "Fix")),
        ({"messages": [{"role": "assistant", "content": "x"}]}, ("line 2", "turn of a user")),
        ("{", ("line 2", "one JSON object")),
    ],
)
def test_a_bad_case_is_named_with_its_line_field_and_fix(tmp_path: Path, line: Any, words: tuple[str, ...]) -> None:
    file = write(tmp_path / "cases.jsonl", {"messages": user("fine"), "category": "code"}, line)
    with pytest.raises(ConfigError) as error:
        labelled.cases(file)
    assert all(word in str(error.value) for word in words), error.value


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"messages": user("x"), "quality": {"a": 1.5, "b": 0}}, ("line 2", "'a'", "0 to 1")),
        ({"messages": user("x"), "quality": {}}, ("line 2", "`quality`", "empty")),
        ({"messages": user("x"), "quality": {"a": "good"}}, ("line 2", "quality", "one number from 0 to 1")),
        ({"messages": user("x")}, ("line 2", "quality")),
    ],
)
def test_a_bad_outcome_is_named_with_its_line_field_and_fix(tmp_path: Path, line: Any, words: tuple[str, ...]) -> None:
    file = write(tmp_path / "models.jsonl", {"messages": user("fine"), "quality": {"a": 1, "b": 0}}, line)
    with pytest.raises(ConfigError) as error:
        labelled.outcomes(file)
    assert all(word in str(error.value) for word in words), error.value


def test_outcomes_of_one_model_teach_nothing(tmp_path: Path) -> None:
    file = write(tmp_path / "models.jsonl", {"messages": user("x"), "quality": {"a": 1}})
    with pytest.raises(ConfigError, match="fewer than two models"):
        labelled.outcomes(file)


def test_outcomes_become_difficulty_and_gain(tmp_path: Path) -> None:
    file = write(
        tmp_path / "models.jsonl",
        {"messages": user("easy"), "quality": {"big": 1, "small": 1}, "category": "code"},
        {"messages": user("middling"), "quality": {"big": 1, "small": 0}, "category": "no such"},
        {"messages": user("hard"), "quality": {"big": 0, "small": 0}},
        {"messages": user("half known"), "quality": {"big": 0.9}},
    )
    found = labelled.outcomes(file)
    assert labelled.models(found) == ["big", "small"]
    assert [e.difficulty for e in labelled.examples(found)] == pytest.approx([0.05, 0.5, 0.95, 0.1])
    assert [e.category for e in labelled.examples(found)] == ["code", None, None, None]
    texts, gains = labelled.gained(found)
    assert texts == ["easy", "middling", "hard"]
    assert gains.tolist() == [0, 1, 0]


def test_outcomes_move_the_gain_to_where_a_users_models_differ() -> None:
    draw = np.random.default_rng(5)
    inputs = draw.normal(size=(4_000, 6))
    raw = np.zeros((len(inputs), 7))
    gains = (inputs[:, 2] > draw.normal(size=len(inputs))).astype(float)
    before = apgr(mixture(raw), gains)
    raw[:, -1] = labelled.added(raw, inputs, gains)(inputs)
    assert apgr(mixture(raw), gains) > before + 0.1


def test_training_stops_at_a_bad_line_before_it_fits_anything(tmp_path: Path) -> None:
    file = write(tmp_path / "models.jsonl", {"messages": user("x"), "quality": {"a": 7, "b": 0}})
    command = [sys.executable, "-m", "train", str(tmp_path / "nowhere"), "--outcomes", str(file)]
    done = subprocess.run(command, check=False, cwd=CLASSIFIER, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert f"{file}, line 1: `quality` of 'a' is not from 0 to 1" in done.stderr


def test_measures() -> None:
    gained = np.array([0.0, 0, 1, 1])
    assert apgr(np.array([1.0, 2, 3, 4]), gained) > 0.7
    assert apgr(-np.array([1.0, 2, 3, 4]), gained) < 0.3
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([10.0, 20, 30])) == pytest.approx(1)
    even = np.full(10, 0.5)
    assert binary_calibration_error(even, np.arange(10) < 5, np.ones(10)) == pytest.approx(0)
    assert binary_calibration_error(even, np.ones(10, bool), np.ones(10)) == pytest.approx(0.5)


def test_linear_parts_add_up() -> None:
    draw = np.random.default_rng(3)
    inputs = draw.normal(size=(200, 4))
    fitted = ridge(inputs, inputs @ np.array([1.0, -2, 0, 0.5]) + 3, 1e-6)
    assert fitted(inputs[:1]) == pytest.approx(inputs[:1] @ np.array([1.0, -2, 0, 0.5]) + 3, abs=1e-6)
    standard = fitted.standard(inputs)
    assert standard(inputs).mean() == pytest.approx(0, abs=1e-9)
    assert standard(inputs).std() == pytest.approx(1)
    both = standard.plus(Linear(np.zeros(4), 1.0))
    assert both(inputs) == pytest.approx(standard(inputs) + 1)
