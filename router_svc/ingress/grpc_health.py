"""The standard gRPC health service, answered from the same health as /readyz."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
from grpc.aio import ServicerContext
from grpc_health.v1 import health_pb2 as pb
from grpc_health.v1 import health_pb2_grpc

from pointsman.runtime.drain import Phase
from router_svc.ingress.health import Health

_WATCH_SECONDS = 1.0


class HealthApi(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # ships no types
    """Serving while the router is ready: as a whole (the empty name), and each of `services`."""

    def __init__(self, health: Callable[[], Health], services: frozenset[str]) -> None:
        self._health, self._services = health, services | {""}

    async def Check(self, request: Any, context: ServicerContext[Any, Any]) -> Any:  # noqa: N802  # as in proto
        """The state now."""
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "There is no such service.")
        return self._response()

    async def Watch(self, request: Any, context: ServicerContext[Any, Any]) -> AsyncIterator[Any]:  # noqa: N802  # as in proto
        """The state, and each change within a second, until the router drains."""
        if request.service not in self._services:
            yield pb.HealthCheckResponse(status=pb.HealthCheckResponse.SERVICE_UNKNOWN)
            return
        said = None
        while True:
            response = self._response()
            if response != said:
                yield response
                said = response
            if self._health().phase is Phase.DRAINING:
                return  # a watch that never ended would hold up the drain
            await asyncio.sleep(_WATCH_SECONDS)

    def _response(self) -> Any:
        states = pb.HealthCheckResponse
        return pb.HealthCheckResponse(status=states.SERVING if self._health().ready else states.NOT_SERVING)
