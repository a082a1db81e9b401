"""`pointsman serve`: a router whose policies are a folder of Kubernetes YAML, or come from the control plane."""

import os
import socket
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pointsman.core.errors import ConfigError

if TYPE_CHECKING:
    from router_svc.source.stream.client import Peering


def serve(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Folder of Kubernetes YAML; a change is taken up.")
    ] = None,
    control_plane: Annotated[
        str, typer.Option(metavar="ADDR", help="Follow the control plane there (in a cluster), instead of a folder.")
    ] = "",
    name: Annotated[
        str, typer.Option(envvar="POINTSMAN_POD", help="Unique among routers and stable; the host's name by default.")
    ] = "",
    tls: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Holds ca.crt, tls.crt and tls.key, for mutual TLS with the control plane."),
    ] = None,
    state: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the last state from the control plane rests.")
    ] = Path("/var/lib/pointsman"),
    private: Annotated[
        Path, typer.Option(metavar="DIR", help="Where credentials rest; on memory-backed storage.")
    ] = Path("/run/pointsman"),
    session_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A secret that replicas share, to agree where a conversation belongs."),
    ] = None,
    http: Annotated[str, typer.Option(metavar="ADDR", help="Where to serve HTTP.")] = "127.0.0.1:8080",
    grpc: Annotated[str, typer.Option(metavar="ADDR", help="Where to serve gRPC.")] = "127.0.0.1:8081",
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="API keys (see `pointsman keys`); without it, none is asked.")
    ] = None,
    classifier: Annotated[
        str,
        typer.Option(
            metavar="WHERE",
            help="Where requests are classified: embedded (here), triton://HOST:PORT (here without it), or none.",
        ),
    ] = "embedded",
    allow_loopback: Annotated[bool, typer.Option("--allow-loopback", help="Backends may be on this machine.")] = False,
    allow_external: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="A host outside the cluster that backends may name, or a pattern; repeat."),
    ] = None,
    drain: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="On SIGTERM, how long answers under way may take.")
    ] = 30.0,
    drain_delay: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", min=0, help="Before that, how long to answer on, each answer closing its connection."
        ),
    ] = 1.0,
    max_in_flight: Annotated[
        int, typer.Option(metavar="N", min=1, help="Requests at once; more wait, then get 503 and Retry-After.")
    ] = 1024,
) -> None:
    """Route requests by the policies in DIR, or of the control plane, until SIGTERM or Ctrl-C.

    A changed file is taken up within seconds. An object that is wrong does not replace the one before it, and a file
    that cannot be read leaves everything as it was; the log says why. `pointsman lint DIR` says the same beforehand.
    """
    from pointsman.cli.classifier import language_detector, open_for_router
    from pointsman.cli.in_cluster import own_api_server
    from pointsman.cli.output import err
    from pointsman.runtime import telemetry
    from router_svc import server

    model, remote = open_for_router(classifier, lambda text: err.print(text, markup=False))
    with closing(telemetry.from_environment("pointsman-router")) as measured:
        server.serve(
            server.Settings(
                folder=folder,
                control_plane=_peering(control_plane, name, tls) if control_plane else None,
                state=state,
                private=private,
                session_secret=_session_secret(session_key),
                http=http,
                grpc=grpc,
                keys=keys,
                allow_loopback=allow_loopback,
                allow_external=frozenset(allow_external or ()),
                api_server=own_api_server(),
                drain=drain,
                drain_delay=drain_delay,
                max_in_flight=max_in_flight,
                classifier=model,
                remote=remote,
                languages=language_detector(),
                telemetry=measured,
            )
        )


def _peering(address: str, name: str, tls: Path | None) -> "Peering":
    """Whom to follow, and as whom."""
    from router_svc.source.stream.client import Peering

    files = (tls / "ca.crt", tls / "tls.crt", tls / "tls.key") if tls else ()
    return Peering(name or socket.gethostname(), address, *files)


def _session_secret(file: Path | None) -> bytes:
    """What the file holds, or a secret of this process alone."""
    try:
        return file.read_bytes() if file is not None else os.urandom(32)
    except OSError as error:
        raise ConfigError(f"--session-key {file}: {error.strerror}") from error
