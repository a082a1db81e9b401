import json
from pathlib import Path

import pytest

from tests.cli.conftest import EXAMPLE, ROOT, Run

BROKEN = """\
apiVersion: pointsman.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: assistant, namespace: demo}
spec:
  virtualModels: [auto]
  rotues: []
  default: {backends: [{name: nobody}]}
"""


def test_the_examples_are_clean(pointsman: Run) -> None:
    examples = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir())
    assert examples
    for example in examples:
        policies = example / "policies"  # beside what runs the models
        done = pointsman("lint", "--strict", policies if policies.exists() else example)
        assert done.returncode == 0, done.stdout


def test_problems_name_the_field_and_the_fix(pointsman: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(BROKEN)
    done = pointsman("lint", tmp_path)
    assert done.returncode == 1
    assert "RoutingPolicy demo/assistant" in done.stdout
    assert "spec.rotues" in done.stdout
    assert "routes" in done.stdout


def test_json_lists_every_problem(pointsman: Run, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(BROKEN)
    done = pointsman("lint", "--json", file)
    (problem,) = [each for each in json.loads(done.stdout) if each["field"] == "spec.rotues"]
    assert done.returncode == 1
    assert problem["file"] == str(file)
    assert problem["object"] == "RoutingPolicy demo/assistant"
    assert problem["problem"]
    assert problem["fix"]


def test_json_of_clean_files_is_an_empty_list(pointsman: Run) -> None:
    assert json.loads(pointsman("lint", "--json", EXAMPLE).stdout) == []


def test_standard_input_is_read(pointsman: Run) -> None:
    assert pointsman("lint", "-", stdin=BROKEN).returncode == 1


@pytest.mark.parametrize(
    "content", [b"spec: [unclosed", b"\xff\xfe\x00", None], ids=["not YAML", "not UTF-8", "missing"]
)
def test_what_cannot_be_read_is_told_from_what_is_wrong(pointsman: Run, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "policy.yaml"
    if content is not None:
        file.write_bytes(content)
    done = pointsman("lint", file)
    assert done.returncode == 2
    assert str(file) in done.stdout


def test_a_folder_without_yaml_is_unreadable(pointsman: Run, tmp_path: Path) -> None:
    assert pointsman("lint", tmp_path).returncode == 2


def test_warnings_count_only_when_strict(pointsman: Run, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    assert pointsman("lint", tmp_path).returncode == 0
    assert pointsman("lint", "--strict", tmp_path).returncode == 1
