"""The command line of `pointsman demo`."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Policies; by default examples/01-one-machine.")
    ] = None,
    http: Annotated[
        str, typer.Option(envvar="POINTSMAN_HTTP", metavar="ADDR", help="Where to serve HTTP.")
    ] = "127.0.0.1:8080",
    grpc: Annotated[
        str, typer.Option(envvar="POINTSMAN_GRPC", metavar="ADDR", help="Where to serve gRPC.")
    ] = "127.0.0.1:8081",
) -> None:
    """Start real small models, a fault server and a router on this machine, and print what to try.

    Ends, with everything that it started, on Ctrl-C or SIGTERM. `make run` runs this.
    """
    from pointsman.cli.demo.run import run

    run(folder, http, grpc)
