"""The debounced loop: something changed → build the world → publish it → report it.

Changes are gathered for a moment, but never for longer than `LATEST`, so that steady churn delays nobody: a change is
published after at most `LATEST`, the build that is under way, and its own. What fails is logged and tried again with
the next change; what was published before stays in force.
"""

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol

from pointsman.core.compile import Status
from pointsman.core.problems import Problem
from pointsman.runtime.telemetry import conventions as names
from pointsman_operator.fleet import Fleet
from pointsman_operator.metrics import Metrics
from pointsman_operator.store import Store
from pointsman_operator.tracing import Reconcile, Tracing
from pointsman_operator.world import Builder, World

log = logging.getLogger("pointsman.cycle")

QUIET = 0.05
"""Seconds without a change after which it is taken up."""
LATEST = 0.1
"""Seconds after which a change is taken up in any case."""
REPORT_EVERY = 0.5
"""Seconds between two looks at all statuses: every acknowledgement of every router asks for one."""


class Publishing(Protocol):
    """Whoever tells the routers."""

    def publish(self, world: World) -> None:
        """A newer world."""

    def fleet(self) -> Fleet:
        """Who follows, and how far."""


class Cycle:
    """Keeps routers and people up to date with the store."""

    def __init__(
        self,
        store: Store,
        builder: Builder,
        publisher: Publishing,
        report: Callable[[World, Fleet], Awaitable[None]],
        metrics: Metrics,
        tracing: Tracing,
    ) -> None:
        self._store, self._builder, self._publisher, self._report, self._metrics, self._tracing = (
            store, builder, publisher, report, metrics, tracing
        )  # fmt: skip
        self._dirty = asyncio.Event()
        self._unreported = asyncio.Event()
        self._key_problems: tuple[Problem, ...] = ()
        self.world: World | None = None
        """What was published last."""

    def changed(self) -> None:
        """Something was observed."""
        self._dirty.set()

    def report_again(self) -> None:
        """Leadership or the fleet changed; or it is time to look whether somebody else wrote a status."""
        self._unreported.set()

    async def build(self) -> None:
        """Build and publish, until cancelled."""
        while True:
            await self._dirty.wait()
            with self._tracing.reconciling() as span:
                with span.step(names.GATHER):
                    await self._settle()
                try:
                    await self._build(span)
                except Exception as error:  # a bug in one object's handling must not stop the others for good
                    span.failed(error)
                    log.exception("nothing was published; what was before stays in force")

    async def report(self) -> None:
        """Report, until cancelled. Apart from building: a thousand writes must not hold up a policy."""
        while True:
            await self._unreported.wait()
            self._unreported.clear()
            if self.world is None:
                continue
            try:
                await self._report(self.world, self._publisher.fleet())
            except Exception:
                log.exception("not every status was written")
            await asyncio.sleep(REPORT_EVERY)

    async def _settle(self) -> None:
        """Wait for a quiet moment, though not for long."""
        loop = asyncio.get_running_loop()
        latest = loop.time() + LATEST
        while self._dirty.is_set() and loop.time() < latest:
            self._dirty.clear()
            await asyncio.sleep(QUIET)
        self._dirty.clear()

    async def _build(self, span: Reconcile) -> None:
        objects = self._store.objects()
        with self._metrics.builds.time(), span.step(names.BUILD):
            world = await asyncio.get_running_loop().run_in_executor(None, self._builder.build, objects)
        if self.world is None:  # what was built first lives long: no collection need look at it again, for 150 ms each
            gc.freeze()
        changed = self.world is None or self.world.wire.version != world.wire.version
        span.built(self.world, world)
        self.world = world
        with span.step(names.PUBLISH):
            self._publisher.publish(world)
        self._count(world)
        self._tell_keys(world)
        self._unreported.set()
        if changed:
            snapshot = world.compilation.snapshot
            log.info(
                "snapshot %s: %d policies, %d backends",
                world.wire.version[:12],
                len(snapshot.policies),
                len(snapshot.backends),
            )

    def _tell_keys(self, world: World) -> None:
        """Once for each change; no problem quotes a value."""
        if world.key_problems != self._key_problems:
            for problem in world.key_problems:
                log.error("client API keys: %s", problem)
        self._key_problems = world.key_problems

    def _count(self, world: World) -> None:
        for kind, number in Counter(observed.key[0] for observed in self._store.objects()).items():
            self._metrics.objects.labels(kind).set(number)
        refused = Counter(v.ref.kind for v in world.compilation.verdicts if v.accepted.status is Status.FALSE)
        for kind in ("ModelBackend", "RoutingPolicy"):
            self._metrics.refused.labels(kind).set(refused[kind])
