"""The demonstration: set the stage, start everything, prove that it answers, tell what to try, and end it all."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from pointsman.cli.demo import cast, probe, stage
from pointsman.cli.demo.children import Child
from pointsman.cli.demo.company import Company, company
from pointsman.cli.demo.programme import tell
from pointsman.cli.output import err, out, write_plain


def run(folder: Path | None, http: str, grpc: str) -> None:
    """Until Ctrl-C or SIGTERM. Raises ConfigError when something does not start; nothing is left running then."""
    source = folder or stage.example()
    probe.require_free(http, "POINTSMAN_HTTP")
    probe.require_free(grpc, "POINTSMAN_GRPC")
    with _ends_by_signal(), _scratch() as scratch, company() as members:
        place = stage.Stage(scratch)
        _start(members, place, source, http, grpc)
        tell(members, probe.base_url(http), grpc, source, place.logs)
        write_plain("ready")
        members.keep()


def _start(members: Company, place: stage.Stage, source: Path, http: str, grpc: str) -> None:
    """Start everything, and wait until the router answers; the backends load side by side."""
    names = (*cast.MODELS, cast.FAULTS)
    with _progress() as progress:
        tasks = {name: progress.add_task(cast.label(name), total=1, said="") for name in (*names, "router")}
        for name in names:
            members.backends[name] = cast.start_backend(name, place.logs)
        for name, child in members.backends.items():
            members.ports[name] = cast.wait_for_port(child, partial(_say, progress, tasks[name]))
            progress.update(tasks[name], completed=1)
        place.set(source, cast.NAMESPACE, members.ports)
        members.router = Child("router", cast.router_command(place, http, grpc), place.logs / "router.log")
        say = partial(_say, progress, tasks["router"])
        cast.wait_for_answer(members.router, probe.base_url(http), "auto", say)
        progress.update(tasks["router"], completed=1)


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", table_column=Column(min_width=16, no_wrap=True)),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        TextColumn("{task.fields[said]}", style="dim", table_column=Column(ratio=1, no_wrap=True)),
        console=out,
        expand=True,
    )


def _say(progress: Progress, task: TaskID, text: str) -> None:
    progress.update(task, said=text)


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pointsman-demo-") as name:
        yield Path(name)


@contextmanager
def _ends_by_signal() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does; to be told to end is not an error."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        err.print("ended", style="dim")
