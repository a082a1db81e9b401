"""The command line of `pointsman eval`."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="Measure routing on cases of your own.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Classifier = Annotated[str, typer.Option(metavar="WHERE", help="embedded, or triton://HOST:PORT.")]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all figures there; - for stdout.")]
Report = Annotated[Path | None, typer.Option(metavar="DIR", help="Write a Markdown report with plots there.")]


@app.command("routes")
def routes(
    policy: Annotated[Path, typer.Option(metavar="DIR", help="Folder of Kubernetes YAML.")],
    cases: Annotated[Path, typer.Option(metavar="FILE", help="JSON lines: messages, route, and more if you like.")],
    model: Annotated[str, typer.Option(help="The virtual name asked for; auto, or else the first.")] = "",
    classifier: Classifier = "embedded",
    sessions: Annotated[
        bool, typer.Option(help="Turns of a `conversation` are decided with its session, as a router does.")
    ] = True,
    json: Json = None,
    report: Report = None,
) -> None:
    """Send labelled requests through a policy, and count where they go.

    One JSON object a line: {"messages": [...], "route": "NAME" or null when none fits}, and optionally "language",
    "conversation" and "turn". `messages` hold the history of a turn. Nothing is sent anywhere. See docs/evaluation.md.
    """
    from pointsman.cli.evaluate.provenance import one_thread

    one_thread()
    import time

    from pointsman.cli.classifier import language_detector
    from pointsman.cli.evaluate import routes as evaluation
    from pointsman.cli.evaluate.classifiers import classifier_at
    from pointsman.cli.evaluate.policy import load_policy
    from pointsman.cli.evaluate.provenance import provenance
    from pointsman.cli.evaluate.replay import Replay
    from pointsman.cli.evaluate.routes_json import as_json
    from pointsman.cli.evaluate.routes_report import headline, write
    from pointsman.cli.output import err

    _check_report(report)
    ruling = load_policy(policy, model)
    for note in ruling.notes:
        err.print(f"note: {note}", style="yellow", markup=False, soft_wrap=True)
    file = evaluation.open_cases(cases)
    plan = evaluation.plan_cases(file, ruling)
    asked = classifier_at(classifier)
    replay = Replay(ruling, asked, language_detector(), time.time())
    with _progress(len(plan.places), "routing") as advance:
        result = evaluation.evaluate_routes(file, plan, ruling, replay, advance, sessions=sessions)
    made = provenance(_command(), cases.name, file.sha256, asked.digest)
    _write_json(json, as_json(result, made))
    if report is not None:
        err.print(f"report: {write(report, result, made, ruling.notes)}", markup=False, soft_wrap=True)
    if str(json) != "-":
        _show(f"policy {ruling.policy.key}, {len(ruling.policy.routes)} routes", headline(result))


@app.command("models")
def models(
    outcomes: Annotated[Path, typer.Option(metavar="FILE", help="JSON lines: messages, and quality by model, 0 to 1.")],
    costs: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON: by model, the cost of an answer or prices of tokens.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Take quality and prices from the ModelBackends there.")
    ] = None,
    classifier: Classifier = "embedded",
    json: Json = None,
    report: Report = None,
) -> None:
    """Say what choosing between models by the classifier is worth, from how well each answered the same prompts.

    One JSON object a line: {"messages": [...], "quality": {"MODEL": 0..1, ...}}, and optionally "category" and "cost".
    With two models: APGR, CPT(50) and CPT(80) of RouteLLM; with more: cost, quality and AIQ. See docs/evaluation.md.
    """
    from pointsman.cli.evaluate.provenance import one_thread

    one_thread()
    from pointsman.cli.evaluate import models as evaluation
    from pointsman.cli.evaluate.classifiers import classifier_at
    from pointsman.cli.evaluate.models_json import as_json
    from pointsman.cli.evaluate.models_report import headline, write
    from pointsman.cli.evaluate.provenance import provenance
    from pointsman.cli.output import err

    _check_report(report)
    file = evaluation.open_outcomes(outcomes)
    found = evaluation.read_outcomes(file)
    prices = evaluation.pricing(found, costs, policy)
    asked = classifier_at(classifier)
    with _progress(len(found.places), "classifying") as advance:
        result = evaluation.evaluate_models(file, found, asked, prices, advance)
    made = provenance(_command(), outcomes.name, file.sha256, asked.digest)
    _write_json(json, as_json(result, made))
    if report is not None:
        err.print(f"report: {write(report, result, made)}", markup=False, soft_wrap=True)
    if str(json) != "-":
        _show(f"{len(found.models)} models", headline(result))


def _check_report(report: Path | None) -> None:
    from pointsman.cli.evaluate import plots

    if report is not None:
        plots.check_available()


def _command() -> str:
    """As it was typed, to be run again."""
    return shlex.join(["pointsman", *sys.argv[1:]])


@contextmanager
def _progress(total: int, what: str) -> "Iterator[Any]":
    """A bar on stderr, where that is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from pointsman.cli.output import err

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


def _write_json(path: Path | None, value: dict[str, Any]) -> None:
    if path is None:
        return
    from pointsman.cli.output import write_json
    from pointsman.core.errors import ConfigError

    if str(path) == "-":
        write_json(value)
        return
    import msgspec

    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    except OSError as error:
        raise ConfigError(f"--json {path}: {error.strerror}") from error


def _show(title: str, rows: list[tuple[str, str, str, str]]) -> None:
    from rich.table import Table

    from pointsman.cli.output import out

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for name in ("value", "95% interval", "n"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*row)
    out.print(table)
