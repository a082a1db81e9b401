"""Liveness, readiness, metrics, and what was published last, over plain HTTP for the kubelet and Prometheus.

Live: the loops run and turn; one that blocks the process keeps this answer from being given at all, which is as good.
Ready: everything was listed once and built. The loss of the API server changes neither: what is published stays true,
and a restart would lose it. Readiness says that it is lost, and who leads.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec
from aiohttp import web
from prometheus_client import generate_latest

from pointsman_operator.metrics import Metrics
from pointsman_operator.publisher import Published
from pointsman_operator.world import World


class Probes:
    """Answers the kubelet."""

    def __init__(
        self,
        metrics: Metrics,
        stopped: Callable[[], Iterable[str]],
        world: Callable[[], World | None],
        published: Callable[[], Published | None],
        state: Callable[[], Mapping[str, object]],
    ) -> None:
        """`stopped` names the loops that should run and do not; `state` is what readiness shows beside its verdict."""
        self._metrics, self._stopped, self._world, self._published = metrics, stopped, world, published
        self._state = state
        self._runner: web.AppRunner | None = None

    async def start(self, address: str) -> None:
        """Serve on HOST:PORT."""
        app = web.Application()
        app.router.add_get("/livez", self._live)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._measured)
        app.router.add_get("/snapshot", self._snapshot)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        host, _, port = address.rpartition(":")
        await web.TCPSite(self._runner, host, int(port)).start()

    async def stop(self) -> None:
        """End."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _live(self, _: web.Request) -> web.Response:
        stopped = sorted(self._stopped())
        return web.json_response({"live": not stopped, "stopped": stopped}, status=503 if stopped else 200)

    async def _ready(self, _: web.Request) -> web.Response:
        ready = self._world() is not None
        return web.json_response({"ready": ready, **self._state()}, status=200 if ready else 503)

    async def _measured(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._metrics.registry), content_type="text/plain")

    async def _snapshot(self, _: web.Request) -> web.Response:
        """Names and hashes, for people and tests; no content, and nothing of credentials."""
        world, published = self._world(), self._published()
        if world is None:
            return web.json_response({"version": None}, status=503)
        position = None if published is None else [published.position.epoch, published.position.sequence]
        manifest = {"version": world.wire.version, "position": position, "objects": world.wire.manifest.entries}
        return web.Response(body=msgspec.json.encode(manifest), content_type="application/json")
