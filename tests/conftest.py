"""What all tests share."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("pointsman", deadline=None)  # a busy machine is no defect
settings.load_profile("pointsman")

pytest_plugins = [
    "tests.cluster.fixtures",  # api_server and cluster: a real Kubernetes
    "tests.support.plan",  # says first what will be tested
    "tests.support.triton",  # triton and own_triton: a real Triton server
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write what the code gives into tests/golden")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compares a text with a golden file, or writes it with --update-goldens."""

    def check(file: Path, text: str) -> None:
        if request.config.getoption("--update-goldens"):
            file.write_text(text)
        assert file.exists(), f"{file} is missing: run pytest --update-goldens and read what it writes"
        assert text == file.read_text()

    return check
