"""The checks of what images are made of: tools/sbom.py and tools/audit.py."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.consoles import ROOT


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    monkeypatch.syspath_prepend(ROOT / "tools")
    return __import__


def component(name: str, version: str, expression: str) -> dict[str, Any]:
    return {"name": name, "version": version, "licenses": [{"expression": expression}]}


def test_every_package_of_every_image_is_read(tool: Callable[[str], ModuleType]) -> None:
    locked = tool("locked")
    for image in locked.IMAGES:
        for file in locked.requirements(image):
            names = {each.name for each in locked.packages(file)}
            assert names
            pinned = {line.split("==")[0] for line in file.read_text().splitlines() if "==" in line and ";" not in line}
            assert pinned <= names | {line for line in pinned if line.startswith((" ", "#"))}


def test_a_package_that_is_not_in_the_document_is_named(tool: Callable[[str], ModuleType]) -> None:
    sbom, locked = tool("sbom"), tool("locked")
    every = [each for file in locked.requirements("operator") for each in locked.packages(file)]
    components = [component(each.name, each.version, "MIT") for each in every]
    assert sbom.problems("operator", components) == []
    [said] = sbom.problems("operator", components[1:])
    assert every[0].name in said
    [said] = sbom.problems("operator", [*components, component("other", "1", "AGPL-3.0-only")])
    assert said == "other: licence 'AGPL-3.0-only' is not allowed"


@pytest.mark.parametrize(
    ("expression", "fine"),
    [
        ("MIT", True),
        ("Apache-2.0 OR GPL-2.0-only", True),
        ("(MIT OR GPL-2.0-only) AND Zlib", True),
        ("MIT AND GPL-2.0-only", False),
        ("NOASSERTION", False),
    ],
)
def test_licences(tool: Callable[[str], ModuleType], expression: str, fine: bool) -> None:
    assert tool("sbom").allowed(expression) is fine


@pytest.mark.parametrize(
    ("said", "options", "code", "shown"),
    [
        ({"name": "a", "version": "1", "vulns": []}, [], 0, "nothing known against"),
        ({"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}, [], 1, "X-1, mended in 2"),
        ({"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": []}]}, ["--where-possible"], 1, "X-1"),
        ({"name": "a", "skip_reason": "not found"}, [], 1, "could not be asked"),
        ({"name": "a", "skip_reason": "not found"}, ["--where-possible"], 0, "NOT POSSIBLE"),
        (None, ["--where-possible"], 0, "NOT POSSIBLE"),
    ],
    ids=["clean", "finding", "finding, where possible", "not asked", "not asked, where possible", "no network"],
)
def test_an_audit(
    tool: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    said: dict[str, Any] | None,
    options: list[str],
    code: int,
    shown: str,
) -> None:
    """In place of pip-audit, whose answers depend on the day, a program that says what it would."""
    answer = json.dumps({"dependencies": [said]}) if said else ""
    (tmp_path / "pip-audit").write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
    (tmp_path / "pip-audit").chmod(0o755)
    audit = tool("audit")
    monkeypatch.setattr(audit, "AUDIT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["audit.py", *options])
    ended = 0
    try:
        audit.main()
    except SystemExit as end:
        ended = int(end.code or 0)
    assert ended == code
    assert shown in capsys.readouterr().out
