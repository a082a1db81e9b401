"""Every recipe of the cookbook does what the page says it does."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest

from pointsman.core.lint import lint
from tests.cli.conftest import ROOT, Run
from tests.support.consoles import Command, commands

PAGE = (ROOT / "docs" / "cookbook.md").read_text()


class Recipe(NamedTuple):
    title: str
    policy: str
    asked: list[Command]
    """The first line that each prints begins with what is shown."""


def _blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


INTRODUCTION, *SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)
(BACKENDS,) = _blocks("yaml", INTRODUCTION)


def _recipe(section: str) -> Recipe:
    (policy,) = _blocks("yaml", section)
    title = section.splitlines()[0]
    return Recipe(title, policy, [each for each in commands("docs/cookbook.md") if each.section == title])


RECIPES = [_recipe(section) for section in SECTIONS]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)
def test_a_recipe_is_clean(recipe: Recipe) -> None:
    assert lint({"backends.yaml": BACKENDS, "recipe.yaml": recipe.policy}) == []


@pytest.mark.parametrize("recipe", [recipe for recipe in RECIPES if recipe.asked], ids=lambda recipe: recipe.title)
def test_a_recipe_does_what_it_says(recipe: Recipe, pointsman: Run, tmp_path: Path) -> None:
    (tmp_path / "backends.yaml").write_text(BACKENDS)
    (tmp_path / "recipe.yaml").write_text(recipe.policy)
    for command in recipe.asked:
        done = pointsman(*shlex.split(command.text.removeprefix("pointsman ").replace("DIR", str(tmp_path))))
        assert command.shown.strip()
        assert done.stdout.startswith(command.shown.rstrip("\n")), f"{command}\n{done.stdout}{done.stderr}"
