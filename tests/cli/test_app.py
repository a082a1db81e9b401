import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pointsman import __version__
from pointsman.cli.words import in_words
from pointsman.core.plan import Code, Reason
from tests.cli.conftest import Run

HEAVY = ("numpy", "onnxruntime", "aiohttp", "grpc", "pydantic", "xllamacpp", "router_svc", "pointsman_classifier")


def test_the_version_is_printed(pointsman: Run) -> None:
    assert pointsman("--version").stdout == f"pointsman {__version__}\n"


def test_help_lists_every_command_and_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom pointsman.cli import main\n"
        "sys.argv = ['pointsman', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', *(name for name in {HEAVY} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for command in ("serve", "operator", "lint", "explain", "eval", "triton", "keys", "demo", "model-server"):
        assert f" {command} " in done.stdout
    assert done.stdout.rstrip().endswith("loaded:")


@pytest.mark.parametrize(("shell", "mark"), [("bash", "complete -o default -F"), ("zsh", "#compdef pointsman")])
def test_completion_scripts_are_printed(pointsman: Run, shell: str, mark: str) -> None:
    beside = Path(sys.executable).parent / "pointsman"
    done = subprocess.run(
        [beside],
        capture_output=True,
        text=True,
        check=True,
        env={"_POINTSMAN_COMPLETE": f"source_{shell}", "PATH": "/usr/bin:/bin"},
    )
    assert mark in done.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_the_shell_is_told_by_its_process() -> None:
    beside = Path(sys.executable).parent / "pointsman"
    done = subprocess.run(
        ["bash", "-c", f"{beside} --show-completion; true"], capture_output=True, text=True, check=True
    )
    assert "_POINTSMAN_COMPLETE=complete_bash" in done.stdout


def test_every_reason_has_words() -> None:
    for code in Code:
        assert in_words(Reason(code)) != str(code)
