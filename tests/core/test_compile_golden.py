"""tests/golden/compile: YAML in, snapshot and verdicts out. `pytest --update-goldens` writes them anew."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pointsman.core import wire
from pointsman.core.compile import Claim, Installation, compile_snapshot
from pointsman.core.parse import parse
from tests.support.plain import plain

CASES = sorted((Path(__file__).parents[1] / "golden" / "compile").iterdir())
INSTALLATION = Installation(
    external_hosts=("*.example.com",),
    api_server=("10.96.0.1",),
    claims=(Claim("gpt-*", ("ai",)),),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_compiles_to(case: Path, golden: Callable[[Path, str], None]) -> None:
    parsed = parse({"input.yaml": (case / "input.yaml").read_text()})
    result = compile_snapshot(parsed.resources, INSTALLATION)
    golden(case / "snapshot.json", _pretty(plain(result.snapshot)))
    golden(case / "verdicts.json", _pretty([plain(verdict) | {"ref": str(verdict.ref)} for verdict in result.verdicts]))
    assert wire.decode(wire.encode(result.snapshot)) == result.snapshot


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
