"""`pointsman serve`: a router whose policies are a folder of Kubernetes YAML."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class ClassifierKind(StrEnum):
    """Where requests are classified."""

    EMBEDDED = "embedded"
    NONE = "none"


def serve(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of Kubernetes YAML; a change is taken up.")],
    http: Annotated[str, typer.Option(metavar="ADDR", help="Where to serve HTTP.")] = "127.0.0.1:8080",
    grpc: Annotated[str, typer.Option(metavar="ADDR", help="Where to serve gRPC.")] = "127.0.0.1:8081",
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="API keys (see `pointsman keys`); without it, none is asked.")
    ] = None,
    classifier: Annotated[
        ClassifierKind, typer.Option(help="Classify requests in this process, or not at all.")
    ] = ClassifierKind.EMBEDDED,
    allow_loopback: Annotated[bool, typer.Option("--allow-loopback", help="Backends may be on this machine.")] = False,
    allow_external: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="A host outside the cluster that backends may name, or a pattern; repeat."),
    ] = None,
    drain: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="On SIGTERM, how long answers under way may take.")
    ] = 30.0,
    max_in_flight: Annotated[
        int, typer.Option(metavar="N", min=1, help="Requests at once; more wait, then get 503 and Retry-After.")
    ] = 1024,
) -> None:
    """Route requests by the policies in DIR, until SIGTERM or Ctrl-C.

    A changed file is taken up within seconds. An object that is wrong does not replace the one before it, and a file
    that cannot be read leaves everything as it was; the log says why. `pointsman lint DIR` says the same beforehand.
    """
    from pointsman.cli.classifier import embedded_classifier, language_detector
    from pointsman.cli.output import err
    from router_svc import server

    embedded = classifier is ClassifierKind.EMBEDDED
    server.serve(
        server.Settings(
            folder=folder,
            http=http,
            grpc=grpc,
            keys=keys,
            allow_loopback=allow_loopback,
            allow_external=frozenset(allow_external or ()),
            drain=drain,
            max_in_flight=max_in_flight,
            classifier=embedded_classifier(lambda text: err.print(text, markup=False)) if embedded else None,
            languages=language_detector(),
        )
    )
