"""The router's process: builds every object in one place, serves, reloads, and drains."""

import asyncio
import logging
import os
import random
import time
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import uvloop

from pointsman.core.addresses import refuse
from pointsman.core.errors import ConfigError
from pointsman.core.installation import Installation
from pointsman.runtime import log as logs
from pointsman.runtime import telemetry as telemetries
from pointsman.runtime.drain import Drain
from router_svc.attempts import Attempts
from router_svc.budget import RetryBudget
from router_svc.classify import Classifying, Model, Remote
from router_svc.endpoints.health import HealthChecks
from router_svc.endpoints.pool import EndpointPool
from router_svc.follow import Follow
from router_svc.genai import GenAiMetrics
from router_svc.ingress.grpc import RouterApi
from router_svc.ingress.grpc_server import GrpcServer
from router_svc.ingress.health import Dependency, DependencyState, Health
from router_svc.ingress.http import HttpApi
from router_svc.ingress.http_server import HttpServer
from router_svc.keys import KeyFile
from router_svc.limits import Gate
from router_svc.metrics import Metrics
from router_svc.pipeline import Pipeline
from router_svc.quota import MemoryLedger
from router_svc.record import Recorder, Recorders
from router_svc.sessions import SessionStore, session_key
from router_svc.snapshots import Snapshots
from router_svc.source.folder import Folder
from router_svc.source.loaded import Loaded
from router_svc.source.stream.client import ControlPlane, Peering
from router_svc.source.stream.shelf import Shelf
from router_svc.spans import UNTRACED
from router_svc.tracing import OpenTelemetry
from router_svc.understand import Understanding
from router_svc.upstream.client import Upstream
from router_svc.watch import Watch

log = logging.getLogger("pointsman.router")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a router is started with."""

    folder: Path | None = None
    """Holds Kubernetes YAML."""
    control_plane: Peering | None = None
    """Followed instead of a folder."""
    state: Path = Path("/var/lib/pointsman")
    """Where the last state from the control plane rests."""
    private: Path = Path("/run/pointsman")
    """Where its credentials rest; memory-backed."""
    http: str = "127.0.0.1:8080"
    grpc: str = "127.0.0.1:8081"
    keys: Path | None = None
    """Key file; without one, no key is asked for."""
    allow_loopback: bool = False
    allow_external: frozenset[str] = frozenset()
    """Hosts, or patterns such as *.example.com."""
    api_server: tuple[str, ...] = ()
    """Addresses of the Kubernetes API server, if there is one; a control plane names them too."""
    drain_delay: float = 1.0
    """Seconds between becoming unready and accepting no more."""
    drain: float = 30.0
    """Seconds that running requests get to end."""
    max_in_flight: int = 1024
    classifier: Model | None = None
    remote: Remote | None = None
    """A server that analyses texts for `classifier`, which answers without it too."""
    languages: Callable[[str], tuple[str | None, float]] = lambda _: (None, 0.0)
    session_secret: bytes = field(default_factory=lambda: os.urandom(32), repr=False)
    """Keys the hashes of conversations; replicas that share it agree on where a conversation belongs."""
    log_style: str = "text"
    telemetry: telemetries.Telemetry = telemetries.OFF
    """Closed by whoever made it."""


def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises ConfigError when it cannot start with these settings."""
    logs.configure("json" if settings.log_style == "json" else "text", ids=telemetries.current_ids)
    uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    drain = Drain(delay=settings.drain_delay, limit=settings.drain)
    drain.install()
    async with AsyncExitStack() as stack:
        router = await Router.start(settings, drain, stack)
        log.info("listening: http on %s, grpc on %s", settings.http, settings.grpc)
        await router.source.once()
        watching = asyncio.create_task(router.source.forever())
        drain.ready()
        log.info(
            "ready" if router.snapshots.ready else f"not ready: {router.source.trouble or 'nothing is loaded yet'}"
        )
        await drain.run(router.http, router.grpc)
        watching.cancel()


class Source(Protocol):
    """Where snapshots, endpoints and credentials come from."""

    @property
    def trouble(self) -> str:
        """Why nothing new arrives; empty when all is well."""

    @property
    def answering(self) -> bool:
        """Whether anything of what is loaded can answer."""

    @property
    def ready_routers(self) -> int:
        """How many routers share the quotas, this one included."""

    async def once(self) -> None:
        """Load what there is."""

    async def forever(self) -> None:
        """Take up what changes, until cancelled."""


class Router:
    """Everything that lives as long as the process."""

    def __init__(self, settings: Settings, drain: Drain) -> None:
        """Builds; nothing runs yet."""
        installation = Installation(
            external_hosts=tuple(sorted(settings.allow_external)),
            allow_loopback=settings.allow_loopback,
            api_server=settings.api_server,
        )
        self.telemetry = settings.telemetry
        self.drain, self.keys = drain, KeyFile(settings.keys, time.time)
        self.metrics = Metrics()
        self.classifying = Classifying(settings.classifier, remote=settings.remote)
        self.pool = EndpointPool(time.monotonic, random.Random())  # noqa: S311 - spreads load, guards nothing
        self.upstream = Upstream(
            lambda address: refuse(
                address,
                allow_loopback=settings.allow_loopback,
                api_server=(*settings.api_server, *self.snapshots.api_server),
            )
        )
        self.checks = HealthChecks(self.pool, self.upstream.probe, random.Random())  # noqa: S311 - jitter
        self.snapshots = Snapshots(
            self.classifying,
            (self.pool, self.checks),
            lambda version: self.metrics.snapshot(version, adopted=True),
        )
        self.source = self._source(settings, installation)
        self.gate = Gate(settings.max_in_flight, max_queued=settings.max_in_flight, max_wait=5.0)
        self.pipeline = self._pipeline(settings)
        tracer = settings.telemetry.tracer
        tracing = OpenTelemetry(tracer) if tracer is not None else UNTRACED
        api = HttpApi(self.pipeline, self.gate, self.health, self.metrics.render, tracing)
        self.http = HttpServer(api, draining=lambda: drain.draining)
        self.grpc = GrpcServer(RouterApi(self.pipeline, self.gate, tracing), self.health)
        self.http_port = self.grpc_port = 0
        self.metrics.gauge("pointsman_in_flight", "Requests being answered.", lambda: self.gate.in_flight)
        self.metrics.gauge("pointsman_queued", "Requests that wait.", lambda: self.gate.queued)
        self.metrics.counts(
            "pointsman_classifier_answers",
            "Classifications, by who made them.",
            "by",
            lambda: self.classifying.answered,
        )
        self.metrics.gauge("pointsman_refused_full", "Requests refused since the start.", lambda: self.gate.refused)
        self.metrics.gauge("pointsman_spans_lost", "Spans that the collector did not take.", self.telemetry.lost)

    def _source(self, settings: Settings, installation: Installation) -> Source:
        """A control plane, or a folder."""
        if settings.control_plane is not None:
            shelf = Shelf(settings.state, settings.private)
            client = ControlPlane(
                settings.control_plane, shelf, self._adopt, lambda: self.health().ready, random.random
            )
            return Follow(client, self.keys)
        if settings.folder is None:
            raise ConfigError("name a folder of YAML, or a control plane to follow")
        return Watch(Folder(settings.folder, installation), self.keys, self.snapshots, self.metrics)

    async def _adopt(self, loaded: Loaded) -> None:
        """Keys first: a policy must not be open for a moment because its keys come later."""
        if loaded.keys is not None:
            self.keys.take(loaded.keys)
        await self.snapshots.adopt(loaded)

    def _pipeline(self, settings: Settings) -> Pipeline:
        sessions = SessionStore(time.monotonic)
        ledger = MemoryLedger(time.time, share=lambda: self.source.ready_routers)
        understanding = Understanding(
            snapshots=self.snapshots,
            keyring=self.keys,
            languages=settings.languages,
            classifier=self.classifying,
            sessions=sessions,
            session_key=lambda *parts: session_key(settings.session_secret, *parts),
            new_id=lambda: uuid.uuid4().hex,
            clock=time.time,
        )
        return Pipeline(
            understanding=understanding,
            snapshots=self.snapshots,
            keyring=self.keys,
            ledger=ledger,
            pool=self.pool,
            attempts=Attempts(ledger, self.pool, self.upstream),
            budget=RetryBudget(time.monotonic),
            sessions=sessions,
            recorder=self._recorder(),
            clock=time.time,
            monotonic=time.monotonic,
        )

    def _recorder(self) -> Recorder:
        meter = self.telemetry.meter
        return self.metrics if meter is None else Recorders(self.metrics, GenAiMetrics(meter))

    @classmethod
    async def start(cls, settings: Settings, drain: Drain, stack: AsyncExitStack) -> "Router":
        """Build, connect and listen; `stack` ends what was started."""
        router = cls(settings, drain)
        stack.push_async_callback(router.classifying.aclose)
        router.classifying.start()
        await stack.enter_async_context(router.upstream)
        stack.push_async_callback(router.checks.aclose)
        try:
            router.http_port = await router.http.start(*_address(settings.http, "--http"))
        except OSError as error:
            raise ConfigError(f"--http {settings.http}: cannot listen there: {error.strerror}") from error
        router.grpc_port = await router.grpc.start(*_address(settings.grpc, "--grpc"))
        return router

    def _classifier_health(self) -> Dependency:
        if not self.classifying.healthy:
            return Dependency(DependencyState.DEGRADED, "policies' classifier.onFailure holds")
        if self.classifying.server_lost:
            return Dependency(DependencyState.DEGRADED, f"the embedded classifier answers; {self.classifying.detail}")
        return Dependency(DependencyState.READY, self.classifying.detail)

    def health(self) -> Health:
        """What /readyz shows."""
        ready, degraded, lost = DependencyState.READY, DependencyState.DEGRADED, DependencyState.LOST
        trouble = self.source.trouble
        return Health(
            self.drain.phase,
            {
                "snapshot": Dependency(ready, self.snapshots.current().version[:12], required=True)
                if self.snapshots.ready and self.source.answering
                else Dependency(lost, trouble or "nothing is loaded yet", required=True),
                "source": Dependency(degraded, f"the last good state answers: {trouble}")
                if trouble and self.snapshots.ready
                else Dependency(ready),
                "classifier": self._classifier_health(),
                "keys": Dependency(ready, "open: no key is asked for" if self.keys.open else ""),
                "telemetry": Dependency(degraded, f"requests are answered as ever: {lost_spans}")
                if (lost_spans := self.telemetry.trouble)
                else Dependency(ready),
            },
        )


def _address(text: str, flag: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"{flag} {text}: is not HOST:PORT, such as 127.0.0.1:8080")
    return host.strip("[]"), int(port)
