"""Every manifest of tests/golden/invalid is refused at the right field, in the right words, and disturbs nobody."""

import re
from pathlib import Path

import pytest

from pointsman.core.compile import Installation, Status, compile_snapshot
from pointsman.core.lint import lint
from pointsman.core.parse import parse

INVALID = sorted((Path(__file__).parents[1] / "golden" / "invalid").glob("*.yaml"), key=lambda file: file.stem)
HEADER = re.compile(r"# field: (.*)\n# problem: (.*)\n# refused by: (schema|strict|rule|compiler)\n")
GOOD = """
apiVersion: pointsman.dev/v1alpha1
kind: ModelBackend
metadata: {name: small, namespace: ai}
spec: {model: small, endpoints: {serviceRef: {name: small, port: 80}}}
---
apiVersion: pointsman.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: good, namespace: ai}
spec: {virtualModels: [good], default: {backends: [{name: small}]}}
"""
ANY_HOST = Installation(external_hosts=("*",), sees_cluster=False)
ALONE = compile_snapshot(parse({"good.yaml": GOOD}).resources)


@pytest.mark.parametrize("file", INVALID, ids=lambda file: file.stem)
def test_names_the_field_and_the_problem_once(file: Path) -> None:
    text = file.read_text()
    header = HEADER.match(text)
    assert header is not None
    errors = [problem for problem in lint({file.name: text}, ANY_HOST) if problem.is_error]
    found = [problem for problem in errors if "there is no ModelBackend" not in problem.problem]
    assert [problem.field for problem in found] == [header[1]]
    assert header[2] in found[0].problem
    assert found[0].file == file.name
    assert found[0].fix


@pytest.mark.parametrize("file", INVALID, ids=lambda file: file.stem)
def test_disturbs_no_other_object(file: Path) -> None:
    together = compile_snapshot(parse({"bad.yaml": file.read_text(), "good.yaml": GOOD}).resources)
    assert together.snapshot == ALONE.snapshot
    (bad,) = [verdict for verdict in together.verdicts if verdict not in ALONE.verdicts]
    assert bad.ref.name == file.stem
    assert bad.accepted.status is Status.FALSE


def test_there_are_enough_of_them() -> None:
    assert len(INVALID) >= 40
