"""`pointsman triton`: the model repository of a Triton server, and which of its releases answers."""

from pathlib import Path
from typing import Annotated

import typer

from pointsman.cli.triton.kinds import Kind

app = typer.Typer(
    help="Serve the classifier by Triton: its model repository and the releases in it.", no_args_is_help=True
)

Repository = Annotated[Path, typer.Argument(metavar="DIR", help="The model repository.")]
_HERE = "127.0.0.1:8001"
Servers = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HOST:PORT", help=f"gRPC address, {_HERE} by default; all servers behind a name are told. Repeat."
    ),
]


@app.command()
def build(
    repository: Repository,
    kind: Annotated[Kind, typer.Option(help="Where the encoder runs; counts for the first release.")] = Kind.CPU,
    heads: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Holds other heads than this package's: heads.npz, heads.sha256.")
    ] = None,
) -> None:
    """Make the model repository, or add a release to it; `promote` has a release answer."""
    from pointsman_classifier import triton_build
    from pointsman_classifier.heads import DamagedArtefactError

    from pointsman.cli.output import err, out
    from pointsman.core.errors import ConfigError

    try:
        number = triton_build.build(repository, kind=kind.value, heads=heads, progress=err.print)
    except OSError as error:
        raise ConfigError(f"{error.filename or repository}: {error.strerror}") from error
    except (DamagedArtefactError, ValueError) as error:
        raise ConfigError(str(error)) from error
    out.print(f"release {number} is in {repository}")
    if number > 1:
        out.print(f"it does not answer yet; see: pointsman triton promote {repository}")


@app.command()
def versions(repository: Repository, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """List the releases; which one answers, and which one did before."""
    from pointsman_classifier import triton_configs

    from pointsman.cli.output import out, write_json

    found = _releases(repository)
    current, previous = triton_configs.current(repository), triton_configs.previous(repository)
    if as_json:
        write_json({"releases": found, "current": current, "previous": previous})
        return
    for number in found:
        out.print(f"{number}  {'answers' if number == current else 'answered before' if number == previous else ''}")


@app.command()
def promote(
    repository: Repository,
    cases: Annotated[Path, typer.Option(metavar="FILE", help="Cases with known answers, one JSON object a line.")],
    policy: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of YAML whose routes the cases name.")
    ] = None,
    server: Servers = None,
    release: Annotated[int, typer.Option(help="The newest by default.")] = 0,
    max_drop: Annotated[float, typer.Option(metavar="POINTS", help="Percentage points that accuracy may lose.")] = 1.0,
    min_agreement: Annotated[
        float, typer.Option(metavar="PERCENT", help="Least share of cases in which both releases agree.")
    ] = 90.0,
) -> None:
    """Load a release beside the one that answers, compare them on the cases, and promote it if it is no worse.

    The first server is asked the cases. Routers are answered all the time. Exit code 1 when a server does not load the
    release, or it is not promoted. A release that answers already is loaded where it does not.
    """
    from pointsman_classifier import triton_configs

    from pointsman.cli.output import err, out
    from pointsman.cli.triton import gate, promotion
    from pointsman.cli.triton.comparing import comparison
    from pointsman.cli.triton.control import Control, LoadError, servers
    from pointsman.core.errors import ConfigError

    found = _releases(repository)
    wanted = release or max(found, default=0)
    if wanted not in found:
        raise ConfigError(f"{repository} has no release {wanted or ''}; its releases: {found or 'none'}")
    current = triton_configs.current(repository)
    addresses = servers(server or [_HERE])
    try:
        if wanted == current:
            with Control(addresses) as control:
                promotion.align(repository, control)
            out.print(f"release {wanted} answers already")
            return
        limits = gate.Limits(drop=max_drop / 100, agreement=min_agreement / 100)
        compare = comparison(gate.read_cases(cases), policy, addresses[0], limits)
        with Control(addresses) as control:
            verdict = promotion.promote(repository, control, wanted, compare)
    except LoadError as error:
        err.print(f"release {wanted} is not loaded, release {current} answers: {error}", style="red", markup=False)
        raise typer.Exit(1) from error
    out.print(
        f"{verdict.cases} cases, {verdict.labels} labels: release {current} has {verdict.current:.1%} right, "
        f"release {wanted} {verdict.candidate:.1%}; they agree on {verdict.agreement:.1%}"
    )
    out.print(f"release {wanted if verdict.passed else current} answers")
    raise typer.Exit(0 if verdict.passed else 1)


@app.command()
def rollback(repository: Repository, server: Servers = None) -> None:
    """Have the release before answer again. Exit code 1 when there is none, or a server does not load it."""
    from pointsman.cli.output import err, out
    from pointsman.cli.triton import promotion
    from pointsman.cli.triton.control import Control, LoadError, servers

    _releases(repository)
    try:
        with Control(servers(server or [_HERE])) as control:
            number = promotion.roll_back(repository, control)
    except LoadError as error:
        err.print(f"not rolled back: {error}", style="red", markup=False)
        raise typer.Exit(1) from error
    if number is None:
        err.print("no release answered before this one", style="yellow")
        raise typer.Exit(1)
    out.print(f"release {number} answers")


def _releases(repository: Path) -> list[int]:
    """The releases of a repository that this version made. Raises ConfigError."""
    from pointsman_classifier import triton_build, triton_configs

    from pointsman.core.errors import ConfigError

    found = triton_build.releases(repository)
    if not found:
        raise ConfigError(f"{repository} has no releases; make one with: pointsman triton build {repository}")
    try:
        triton_configs.check(repository)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return found
