"""The gRPC server: the Router service, health and reflection on one port."""

from collections.abc import Callable

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from pointsman.core.errors import ConfigError
from pointsman.v1 import router_pb2, router_pb2_grpc
from router_svc.ingress.grpc import RouterApi
from router_svc.ingress.grpc_health import HealthApi
from router_svc.ingress.health import Health
from router_svc.ingress.http_body import MAX_BODY_BYTES

_ROUTER = router_pb2.DESCRIPTOR.services_by_name["Router"].full_name
_HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_BODY_BYTES + 64 * 1024),  # the body, and the message around it
    ("grpc.max_send_message_length", -1),  # an answer is as long as its model server made it
    ("grpc.so_reuseport", 0),  # two servers on one port would share its calls in silence
)


class GrpcServer:
    """Serves the Router service on one address."""

    def __init__(self, api: RouterApi, health: Callable[[], Health]) -> None:
        """Needs a running loop."""
        self._server = grpc.aio.server(options=_OPTIONS)
        router_pb2_grpc.add_RouterServicer_to_server(api, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(HealthApi(health, frozenset({_ROUTER})), self._server)
        reflection.enable_server_reflection((_ROUTER, _HEALTH, reflection.SERVICE_NAME), self._server)

    async def start(self, host: str, port: int) -> int:
        """Listen; port 0 takes a free one. Returns the port. Raises ConfigError when the address cannot be had."""
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            bound = self._server.add_insecure_port(address)
        except RuntimeError:
            raise ConfigError(f"gRPC cannot listen on {address}; is something else there already?") from None
        await self._server.start()
        return bound

    async def stop(self, limit: float) -> None:
        """Accept no more calls, and let running ones end; cancel them after `limit` seconds."""
        await self._server.stop(limit)
