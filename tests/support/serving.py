"""Real servers on free ports of this machine, around a pipeline."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc.aio
import msgspec

from pointsman.runtime.drain import Phase
from router_svc.ingress.grpc import RouterApi
from router_svc.ingress.grpc_server import GrpcServer
from router_svc.ingress.health import Dependency, DependencyState, Health
from router_svc.ingress.http import HttpApi
from router_svc.ingress.http_server import HttpServer
from router_svc.ingress.port import Pipeline
from router_svc.limits import Gate

HOST = "127.0.0.1"


class Serving(msgspec.Struct):
    """What was started."""

    pipeline: Pipeline
    gate: Gate
    http: HttpServer
    grpc: GrpcServer
    url: str
    address: str
    port: int
    phase: Phase = Phase.READY
    dependencies: dict[str, Dependency] = {}

    def health(self) -> Health:
        return Health(self.phase, self.dependencies)

    def channel(self) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(self.address, options=[("grpc.max_send_message_length", -1)])


@asynccontextmanager
async def serve(pipeline: Pipeline, gate: Gate | None = None) -> AsyncIterator[Serving]:
    """HTTP and gRPC, until the block ends."""
    gate = gate or Gate(64, 64, 5.0)
    started: list[Serving] = []

    def health() -> Health:
        return started[0].health()

    api = HttpApi(pipeline, gate, health, lambda: b"pointsman_up 1\n")
    http = HttpServer(api, draining=lambda: started[0].phase is Phase.DRAINING)
    rpc = GrpcServer(RouterApi(pipeline, gate), health)
    port, grpc_port = await http.start(HOST, 0), await rpc.start(HOST, 0)
    dependencies = {"snapshot": Dependency(DependencyState.READY, required=True)}
    started.append(
        Serving(
            pipeline,
            gate,
            http,
            rpc,
            url=f"http://{HOST}:{port}",
            address=f"{HOST}:{grpc_port}",
            port=port,
            dependencies=dependencies,
        )
    )
    try:
        yield started[0]
    finally:
        await http.stop(0.0)
        await rpc.stop(0.0)
