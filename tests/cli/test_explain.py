import json

from tests.cli.conftest import EXAMPLE, Run


def test_a_prompt_lands_on_its_route(pointsman: Run) -> None:
    prompt = "Write a Python function that reverses a list."
    done = pointsman("explain", "--policy", EXAMPLE, "--json", prompt)
    said = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert said["policy"] == "demo/assistant"
    assert said["route"] == "code"
    assert said["signals"]["classifier"] == "Answered"
    assert [candidate["backend"] for candidate in said["candidates"]] == ["demo/large", "demo/small"]
    assert said["refusal"] is None
    assert prompt not in done.stdout


def test_people_read_the_verdict_first(pointsman: Run) -> None:
    done = pointsman("explain", "--policy", EXAMPLE, "--model", "auto:fast", "-", stdin="Beweise, dass 1 < 2 ist.")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("→ demo/large answers auto:fast (route mathematics, mode fast")
    assert "language" in done.stdout
    assert "Candidates" in done.stdout


def test_a_model_that_does_not_exist_lists_those_that_do(pointsman: Run) -> None:
    asked = ("explain", "--policy", EXAMPLE, "--model", "nobody", "--classifier", "none", "Hi")
    done, as_json = pointsman(*asked), json.loads(pointsman(*asked, "--json").stdout)
    assert done.returncode == 1
    assert "auto-flaky" in done.stdout
    assert as_json["refusal"]["code"] == "model_not_found"


def test_without_a_classifier_the_default_answers(pointsman: Run) -> None:
    done = pointsman("explain", "--policy", EXAMPLE, "--classifier", "none", "--json", "Hi")
    assert json.loads(done.stdout)["route"] == "default"


def test_a_folder_that_is_none_is_one_line(pointsman: Run) -> None:
    done = pointsman("explain", "--policy", EXAMPLE / "policy.yaml", "--classifier", "none", "Hi")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
