"""Every recipe of the cookbook does what the page says it does."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest

from pointsman.core.lint import lint
from tests.cli.conftest import ROOT, Run

PAGE = (ROOT / "docs" / "cookbook.md").read_text()


class Recipe(NamedTuple):
    title: str
    policy: str
    asked: list[tuple[str, str]]
    """Commands, and the first line that each prints begins with."""


def _blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


INTRODUCTION, *SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)
(BACKENDS,) = _blocks("yaml", INTRODUCTION)


def _recipe(section: str) -> Recipe:
    (policy,) = _blocks("yaml", section)
    lines = "".join(_blocks("console", section)).splitlines()
    return Recipe(section.splitlines()[0], policy, list(zip(lines[::2], lines[1::2], strict=True)))


RECIPES = [_recipe(section) for section in SECTIONS]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)
def test_a_recipe_is_clean(recipe: Recipe) -> None:
    assert lint({"backends.yaml": BACKENDS, "recipe.yaml": recipe.policy}) == []


@pytest.mark.parametrize("recipe", [recipe for recipe in RECIPES if recipe.asked], ids=lambda recipe: recipe.title)
def test_a_recipe_does_what_it_says(recipe: Recipe, pointsman: Run, tmp_path: Path) -> None:
    (tmp_path / "backends.yaml").write_text(BACKENDS)
    (tmp_path / "recipe.yaml").write_text(recipe.policy)
    for command, expected in recipe.asked:
        words = shlex.split(command.removeprefix("$ pointsman ").replace("DIR", str(tmp_path)))
        done = pointsman(*words)
        assert done.stdout.startswith(expected), f"{command}\n{done.stdout}{done.stderr}"
