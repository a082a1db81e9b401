"""What the documents show is true: their policies lint, their commands and links exist."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from pointsman.cli.app import app
from pointsman.core.lint import lint
from pointsman.core.plan import Code
from tests.cli.conftest import ROOT

GUIDE = (ROOT / "docs" / "user-guide.md").read_text()
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")),
    *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "examples").glob("*/README.md")),
)


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
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}, target


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
