"""`pointsman operator`: the control plane."""

import os
import socket
from typing import Annotated

import typer


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

    from pointsman.core.compile import Installation
    from pointsman.runtime import log

    log.configure()
    server = os.environ.get("KUBERNETES_SERVICE_HOST")
    installation = Installation(
        external_hosts=tuple(allow_external or ()), api_server=(server,) if server is not None else ()
    )
    main.run(
        main.Settings(
            name=name or socket.gethostname(),
            namespace=namespace,
            probes=probes,
            resync=resync,
            installation=installation,
        )
    )
