"""The command line, as a user runs it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "01-one-machine"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def pointsman(tmp_path: Path) -> Run:
    def run(*arguments: str | Path, stdin: str = "", **variables: str) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "COLUMNS": "200", **variables}
        return subprocess.run(
            [sys.executable, "-m", "pointsman.cli", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=120,
            check=False,
        )

    return run
