"""What the documents show is true: their policies lint, their commands and links exist."""

import ast
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer.main

from pointsman.cli.app import app
from pointsman.core.lint import lint
from pointsman.core.plan import Code
from tests.cli.conftest import ROOT
from tests.support.consoles import PAGES, commands

GUIDE = (ROOT / "docs" / "user-guide.md").read_text()
OURS = "is this suite"
ELSEWHERE = {
    "make test": OURS,
    "make test-fast": OURS,
    "make e2e": OURS,
    "make chart": OURS,
    "POINTSMAN_TEST_KUBECONFIG=~/.kube/config make test": OURS,
    "make lint": "a step of .ci/run",
    "make format": "would change the checkout",
    ".ci/run": "runs this suite",
    "make chaos": "takes half an hour; this suite has a short form of it",
    "REGISTRY=registry.example.com/team make images": "takes its base from a registry; tests/e2e builds the same",
    'REGISTRY=localhost IMAGES="operator router demo" make images': "the same",
    "kind create cluster && kind load docker-image localhost/pointsman-{operator,router,demo}:0.1.0": "needs Docker",
}
"""Commands of the documents that no test runs, and why."""


def test_the_guides_policies_are_clean() -> None:
    blocks = re.findall(r"```yaml\n(apiVersion: pointsman.*?)```", GUIDE, re.DOTALL)
    assert len(blocks) > 3
    assert lint({f"block {number}": block for number, block in enumerate(blocks)}) == []


def test_every_reason_and_error_is_in_the_guide() -> None:
    for code in set(Code):
        assert f"`{code}`" in GUIDE, code


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("https://"):  # other people's pages: not for a test that needs no network
            continue
        file, _, anchor = target.partition("#")
        path = (ROOT / page).parent / file if file else ROOT / page
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}, target


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_flags_exist(page: str) -> None:
    root = typer.main.get_command(app)
    for line in re.findall(r"^\$ (pointsman .*)$", (ROOT / page).read_text(), re.MULTILINE):
        words = shlex.split(line.partition("#")[0])[1:]
        command = root
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]  # type: ignore[attr-defined]  # only groups get here
        known = {option for parameter in command.params for option in parameter.opts}
        known |= {"--install-completion", "--show-completion"}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_the_examples_are_listed_where_they_are(tmp_path: Path) -> None:
    for example in (ROOT / "examples").iterdir():
        readme = (example / "README.md").read_text()
        for file in example.glob("*.yaml"):
            assert f"`{file.name}`" in readme


def _run_by_tests() -> set[str]:
    """Commands of the pages and sections that tests ask for by `commands`; each of those runs what it asked for."""
    found: set[str] = set()
    for file in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "commands":
                constant = all(isinstance(each, ast.Constant) for each in node.args)
                asked = commands(*(ast.literal_eval(each) for each in node.args)) if constant else []
                found |= {each.bare for each in asked}
    return found


def test_every_command_is_run_by_a_test() -> None:
    run = _run_by_tests()
    shown = {each.bare: each for page in PAGES for each in commands(page)}
    assert [each for bare, each in shown.items() if bare not in run | ELSEWHERE.keys()] == []
    assert [bare for bare in ELSEWHERE if bare not in shown] == [], "no page shows these any more"


def test_every_target_of_make_exists() -> None:
    for page in PAGES:
        for command in commands(page):
            for target in re.findall(r"\bmake (?:-s )?([a-z][a-z0-9-]*)", command.bare):
                done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
                assert done.returncode == 0, f"{command}\n{done.stderr}"


def test_commands_stand_in_blocks_that_are_looked_at() -> None:
    """A block without a language, or of a shell, would escape the tests of commands."""
    for page in PAGES:
        for block in re.findall(r"^```(\w*)\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL):
            assert block[0] not in ("sh", "bash", "shell"), page
            assert block[0] or not re.search(r"^(\$ |make |kubectl |helm |pointsman )", block[1], re.MULTILINE), page
