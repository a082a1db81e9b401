"""`pointsman operator`: the control plane."""

import socket
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pointsman_operator.certificates.plan import Plan


def operator(
    namespace: Annotated[
        str, typer.Option(envvar="POINTSMAN_NAMESPACE", help="Namespace of the Lease: the operator's own.")
    ] = "pointsman-system",
    name: Annotated[
        str, typer.Option(envvar="POINTSMAN_POD", help="Name of this replica; the host's name by default.")
    ] = "",
    probes: Annotated[
        str, typer.Option(metavar="ADDR", help="Where to serve liveness, readiness and metrics.")
    ] = "127.0.0.1:8082",
    stream: Annotated[str, typer.Option(metavar="ADDR", help="Where to serve snapshots.")] = "127.0.0.1:8083",
    advertise: Annotated[
        str,
        typer.Option(envvar="POINTSMAN_ADVERTISE", metavar="ADDR", help="Where routers reach it."),
    ] = "",
    tls: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Holds ca.crt, tls.crt and tls.key, for mutual TLS on the stream."),
    ] = None,
    keep_certificates: Annotated[
        str,
        typer.Option(
            metavar="NAME:SERVICE",
            help="Make and renew them, in Secrets NAME-ca, NAME-operator-tls, NAME-router-tls; SERVICE is our own.",
        ),
    ] = "",
    keys: Annotated[
        str, typer.Option(metavar="NAMESPACE/NAME", help="Secret of client API keys; without it, none is asked for.")
    ] = "",
    resync: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="Between two LISTs of everything, which correct the watch.")
    ] = 300.0,
    allow_external: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="A host outside the cluster that backends may name, or a pattern; repeat."),
    ] = None,
) -> None:
    """Watch resources, compile them and write their status, until SIGTERM or Ctrl-C.

    Of several replicas one leads, by a Lease; the others are ready to take over within seconds.
    """
    from pointsman_operator import main
    from pointsman_operator.stream.server import Certificates
    from pointsman_operator.world import KeysSecret

    from pointsman.cli.in_cluster import own_api_server
    from pointsman.core.compile import Installation
    from pointsman.runtime import log, telemetry

    log.configure(ids=telemetry.current_ids)
    installation = Installation(external_hosts=tuple(allow_external or ()), api_server=own_api_server())
    with closing(telemetry.from_environment("pointsman-operator")) as measured:
        main.run(
            main.Settings(
                name=name or socket.gethostname(),
                namespace=namespace,
                probes=probes,
                stream=stream,
                address=advertise,
                certificates=Certificates(tls / "ca.crt", tls / "tls.crt", tls / "tls.key") if tls else None,
                kept=_kept(keep_certificates, namespace, tls),
                resync=resync,
                installation=installation,
                keys=KeysSecret(*_named(keys)) if keys else None,
                telemetry=measured,
            )
        )


def _kept(text: str, namespace: str, tls: Path | None) -> "Plan | None":
    from pointsman_operator.certificates.plan import Plan

    if not text:
        return None
    name, colon, service = text.partition(":")
    if not (name and colon and service and tls):
        hint = "write NAME:SERVICE, such as pointsman:pointsman-operator, and name a folder with --tls"
        raise typer.BadParameter(hint, param_hint="--keep-certificates")
    return Plan(namespace, name, service, tls)


def _named(keys: str) -> tuple[str, str]:
    namespace, slash, name = keys.partition("/")
    if not (namespace and slash and name):
        raise typer.BadParameter("write NAMESPACE/NAME, the name of a Secret", param_hint="--keys")
    return namespace, name
