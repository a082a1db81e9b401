"""`pointsman lint`: everything that is wrong with a set of files, all at once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from pointsman.core.problems import Problem

CLEAN, PROBLEMS, UNREADABLE = 0, 1, 2


def lint(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="YAML files, folders of them, or - for stdin.")],
    as_json: Annotated[bool, typer.Option("--json", help="A list of {file, object, field, problem, fix}.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Count warnings as problems.")] = False,
) -> None:
    """Check policies and backends before they are applied: all problems at once, each with its field and the fix.

    The files are checked together, as if applied together. What only a cluster can tell (whether a Service or a Secret
    exists) is left out. Exit code: 0 clean (warnings may be listed), 1 problems, 2 a file cannot be read.
    """
    from pointsman.cli.files import read
    from pointsman.cli.output import out, write_json
    from pointsman.core.lint import lint as check

    texts, unreadable = read(paths)
    problems = [*unreadable, *check(texts)]
    if as_json:
        write_json([_plain(problem) for problem in problems])
    else:
        for line in _lines(problems, files=len(texts)):
            out.print(line, soft_wrap=True)
    raise typer.Exit(_exit_code(problems, strict=strict))


def _exit_code(problems: "Sequence[Problem]", *, strict: bool) -> int:
    if any(problem.unreadable for problem in problems):
        return UNREADABLE
    return PROBLEMS if any(strict or problem.is_error for problem in problems) else CLEAN


def _plain(problem: "Problem") -> dict[str, str]:
    return {
        "file": problem.file,
        "object": problem.object,
        "field": problem.field,
        "problem": problem.problem,
        "fix": problem.fix,
        "severity": problem.severity.value,
    }


def _lines(problems: "Sequence[Problem]", files: int) -> "list[RenderableType]":
    """Problems under the file and object that they are of, and a summary."""
    from rich.text import Text

    lines: list[RenderableType] = []
    heading = ""
    for problem in problems:
        place = "  ".join(part for part in (problem.file, problem.object) if part)
        if place != heading:
            lines.append(Text(place, style="bold"))
            heading = place
        mark = Text("  ✗ ", style="red") if problem.is_error else Text("  ! ", style="yellow")
        field = Text(f"{problem.field}: " if problem.field else "", style="cyan")
        lines += [Text.assemble(mark, field, problem.problem), Text(f"    {problem.fix}", style="dim")]
    errors = sum(problem.is_error for problem in problems)
    counts = f"{_count(errors, 'problem')}, {_count(len(problems) - errors, 'warning')} in {_count(files, 'file')}"
    lines.append(Text(counts, style="red" if errors else "green"))
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
