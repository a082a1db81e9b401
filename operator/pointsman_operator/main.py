"""Builds the control plane's parts and runs them until a signal: `pointsman operator` calls `run`."""

import asyncio
import contextlib
import logging
import secrets
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import grpc
import kopf
import msgspec

from pointsman.core.compile import Installation
from pointsman.runtime.telemetry import OFF, Telemetry
from pointsman_operator import handlers
from pointsman_operator.api import Api
from pointsman_operator.certificates.plan import Plan
from pointsman_operator.cycle import Cycle
from pointsman_operator.lease import Lease
from pointsman_operator.metrics import Metrics
from pointsman_operator.probes import Probes
from pointsman_operator.publisher import Publisher
from pointsman_operator.reporter import Reporter
from pointsman_operator.resync import Resync
from pointsman_operator.store import Store
from pointsman_operator.stream import server
from pointsman_operator.stream.server import Certificates
from pointsman_operator.tracing import Tracing
from pointsman_operator.world import Builder, KeysSecret

log = logging.getLogger("pointsman.operator")

STUCK = 60.0
"""Seconds without a turn of the lease's loop, which then cannot be alive."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How one replica runs."""

    name: str
    """Of the pod."""
    namespace: str
    """Where the Lease is."""
    probes: str = "127.0.0.1:8082"
    """Where liveness, readiness and metrics are served."""
    stream: str = "127.0.0.1:8083"
    """Where snapshots are served."""
    certificates: Certificates | None = None
    """For mutual TLS on the stream."""
    kept: Plan | None = None
    """Where the operator itself keeps those certificates, if it does."""
    address: str = ""
    """HOST:PORT at which routers reach this replica's stream; where it listens, by default."""
    resync: float = 300.0
    """Seconds between two LISTs of everything."""
    installation: Installation = Installation()
    keys: KeysSecret | None = None
    """The Secret of client API keys; without one, routers ask for none."""
    telemetry: Telemetry = OFF
    """Closed by whoever made it."""


class Operator:
    """One replica."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metrics = Metrics()
        self._tracing = Tracing(settings.telemetry.tracer)
        self._api = Api(handlers.login)
        self._store = Store(self._changed)
        self._resync = Resync(self._api, self._store, self._metrics, settings.resync)
        holder = f"{settings.name}_{secrets.token_hex(4)}"
        address = settings.address or settings.stream
        self._lease = Lease(
            self._api, settings.namespace, "pointsman-operator", holder, address, self._leadership_changed
        )
        self._publisher = Publisher(self._lease)
        self._reporter = Reporter(
            self._api, self._store, self._metrics, holder, lambda: self._lease.leading, self._tracing
        )
        self._cycle = Cycle(
            self._store,
            Builder(settings.installation, settings.keys),
            self._publisher,
            self._reporter.report,
            self._metrics,
            self._tracing,
        )
        self._publisher.watch(self._cycle.report_again)
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._probes = Probes(
            self._metrics, self._stopped, lambda: self._cycle.world, lambda: self._publisher.published, self._state
        )

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        await self._probes.start(self._settings.probes)
        if self._settings.kept is not None:
            await self._keep_certificates(self._settings.kept)
        stream, _ = await server.start(
            self._settings.stream,
            self._publisher,
            lambda: self._lease.leader,
            self._settings.certificates,
            self._tracing,
        )
        self._start("resync", self._resync.forever())
        self._start("lease", self._lease.forever())
        self._start("build", self._build_when_synced())
        self._start("report", self._cycle.report())
        if await self._listed_before_asked_to_stop():
            await self._watch(lambda: self._stop(stream))
        else:
            await self._stop(stream)

    async def _listed_before_asked_to_stop(self) -> bool:
        """Whether everything was listed. Kopf looks once for what is served, and an API server that is just starting
        does not name custom resources yet: Kopf would then never watch them."""
        loop, asked = asyncio.get_running_loop(), asyncio.Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, asked.set)
        waits = [asyncio.create_task(event.wait()) for event in (self._resync.synced, asked)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        return not asked.is_set()

    async def _keep_certificates(self, plan: Plan) -> None:
        """Have them before the stream needs them, then renew them."""
        from pointsman_operator.certificates.keeper import Keeper  # its library is needed for nothing else

        keeper = Keeper(self._api, plan, lambda: datetime.now(UTC))
        await keeper.first()
        self._start("certificates", keeper.forever())

    async def _watch(self, stop: Callable[[], Awaitable[None]]) -> None:
        """Run Kopf, and `stop` everything else before it ends: on its way out it cancels whatever runs beside it."""
        started, asked, enough = asyncio.Event(), asyncio.Event(), asyncio.Event()
        informer = asyncio.create_task(
            kopf.operator(
                registry=handlers.registry(self._store),
                settings=handlers.settings(),
                clusterwide=True,
                standalone=True,
                identity=self._settings.name,  # type: ignore[arg-type]  # a private NewType; else Kopf needs a named user
                ready_flag=started,
                stop_flag=enough,
            )
        )
        informer.add_done_callback(lambda _: started.set())
        informer.add_done_callback(lambda _: asked.set())
        await started.wait()
        for each in (signal.SIGTERM, signal.SIGINT):  # Kopf took them when it started
            asyncio.get_running_loop().add_signal_handler(each, asked.set)
        await asked.wait()
        await stop()
        enough.set()
        await informer

    def _start(self, name: str, loop: Coroutine[Any, Any, None]) -> None:
        self._loops[name] = asyncio.create_task(loop, name=name)

    def _stopped(self) -> list[str]:
        """Loops that ended, or that wait for what never comes: the lease's turns every second, whatever happens."""
        ended = [name for name, task in self._loops.items() if task.done()]
        return ended + (["lease, which is stuck"] if self._lease.idle > STUCK else [])

    def _state(self) -> dict[str, object]:
        """What readiness shows."""
        lost, seconds = self._api.trouble, time.monotonic() - self._api.trouble_since
        silent = f"has not answered for {seconds:.0f} s ({lost}): what is published stays"
        return {
            "leading": self._lease.leading,
            "leader": self._lease.leader,
            "listed": self._resync.synced.is_set(),
            "api_server": silent if lost else "answers",
        }

    async def _build_when_synced(self) -> None:
        """Half a cluster must not be compiled: it would look like a mass deletion."""
        await self._resync.synced.wait()
        self._cycle.changed()
        await self._cycle.build()

    async def _stop(self, stream: grpc.aio.Server) -> None:
        for task in self._loops.values():
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._loops.values(), return_exceptions=True)
        await stream.stop(grace=0.5)
        await self._lease.release()
        await self._probes.stop()
        await self._api.close()

    def _changed(self) -> None:
        self._cycle.changed()

    def _leadership_changed(self) -> None:
        self._metrics.leading.set(self._lease.leading)
        self._publisher.settle()
        self._cycle.report_again()


def run(settings: Settings) -> None:
    """Run one replica to its end."""
    logging.getLogger("kopf").setLevel(logging.WARNING)  # it tells of every object that it hands over
    logging.getLogger(handlers.OptionalKinds.LOGGER).addFilter(handlers.OptionalKinds())
    asyncio.run(Operator(settings).run())
