"""The names that are sent are those of the published conventions, or our own."""

import importlib
import pkgutil
from pathlib import Path

import opentelemetry.semconv._incubating.attributes as incubating
import opentelemetry.semconv.attributes as stable
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

from pointsman.runtime.telemetry import conventions

DOCS = Path(__file__).parents[2] / "docs" / "observability.md"
OURS = {
    value for name, value in vars(conventions).items() if name.isupper() and isinstance(value, str) and "." in value
}


def published() -> set[str]:
    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for package in (incubating, stable)
        for found in pkgutil.iter_modules(package.__path__)
    ]
    return {value for module in (*modules, gen_ai_metrics) for value in vars(module).values() if isinstance(value, str)}


def test_names_are_published_or_our_own() -> None:
    attributes = {name for name in OURS if not name.startswith(("pointsman.", "https://"))}
    assert len(attributes) > 20
    assert attributes <= published(), attributes - published()


def test_no_name_for_text_is_known_at_all() -> None:
    assert not OURS & {"gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.prompt"}


def test_the_page_names_what_people_look_at() -> None:
    text = DOCS.read_text()
    for name in (conventions.TOKEN_USAGE, conventions.OPERATION_DURATION, conventions.OPERATION_FIRST_CHUNK):
        assert name in text
