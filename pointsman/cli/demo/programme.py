"""Prints what is there, and what to try."""

import os
import shutil
import sys
from pathlib import Path

from pointsman.cli.demo import cast, tour
from pointsman.cli.demo.company import Company
from pointsman.cli.output import out, write_plain

_HONEST = (
    "Both models are SmolLM2-135M-Instruct (Apache-2.0) under two names: there is no second model of this size whose "
    "licence and packaging fit. Their prices, limits and qualities are invented, so that routing has something to "
    "decide; their answers are those of a very small model. `flaky` has no model at all: it is pointsman-faults."
)


def tell(company: Company, url: str, grpc: str, source: Path, logs: Path) -> None:
    """The programme of the demonstration: lines to copy, each under what it shows."""
    scene = tour.Scene(
        url=url,
        faults_url=f"http://127.0.0.1:{company.ports[cast.FAULTS]}",
        pids={name: child.pid for name, child in company.backends.items()},
        command=_command(),
        policies=os.path.relpath(source),
    )
    out.print()
    out.print(_HONEST, style="dim")
    for step in tour.steps(scene):
        _heading(step.title)
        for command in step.commands:
            write_plain(command)
    _heading("From Python (pip install openai)")
    write_plain(tour.sdk(url))
    out.print(
        f"\nEdit {scene.policies}/policy.yaml and save it: the router takes it up.\n"
        f"Logs are in {logs}; gRPC, with reflection, is on {grpc}. Ctrl-C ends everything.\n",
        style="dim",
        soft_wrap=True,
    )


def _heading(title: str) -> None:
    out.print(f"\n# {title}", style="bold", markup=False, soft_wrap=True)


def _command() -> str:
    """How this machine calls `pointsman`: by name where the shell would find it."""
    if shutil.which("pointsman"):
        return "pointsman"
    beside = Path(sys.executable).parent / "pointsman"
    return os.path.relpath(beside) if beside.exists() else f"{sys.executable} -m pointsman.cli"
