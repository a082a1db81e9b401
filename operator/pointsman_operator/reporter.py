"""Tells people: writes the statuses that changed their meaning, by server-side apply, and an Event for each turn.

Only the leader writes. An object whose status cannot be written keeps the old one, and is tried again with the next
change or LIST.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pointsman.core.memo import Memo
from pointsman_operator.api import Api, ApiError, ApiUnreachable
from pointsman_operator.conditions import StatusBody, statuses, timed
from pointsman_operator.events import event_for
from pointsman_operator.fleet import Fleet
from pointsman_operator.metrics import Metrics
from pointsman_operator.store import Observed, Store
from pointsman_operator.tracing import Tracing
from pointsman_operator.watched import WATCHED
from pointsman_operator.world import World

log = logging.getLogger("pointsman.report")

MANAGER = "pointsman-operator"
_AT_ONCE = 16


class Reporter:
    """Writes statuses and Events."""

    def __init__(
        self,
        api: Api,
        store: Store,
        metrics: Metrics,
        instance: str,
        leading: Callable[[], bool],
        tracing: Tracing | None = None,
    ) -> None:
        self._api, self._store, self._metrics, self._instance, self._leading = api, store, metrics, instance, leading
        self._tracing = tracing or Tracing()
        self._memo = Memo()
        self._settled: dict[str, tuple[StatusBody, Mapping[str, Any]]] = {}
        """Wanted and current status of the objects of which nothing was to be written, by reference."""
        self._written: dict[str, tuple[int, Mapping[str, Any]]] = {}
        """Revision and status of our own last write, by uid: the watch may not have shown it yet."""

    async def report(self, world: World, fleet: Fleet) -> None:
        """Bring every status up to date."""
        places = asyncio.Semaphore(_AT_ONCE)
        now = datetime.now(UTC)
        due, settled = [], {}
        for ref, wanted in statuses(world, fleet, self._memo):
            observed = world.observed[ref]
            before = self._current(observed)
            last = self._settled.get(ref)
            if last is not None and last[0] is wanted and last[1] is before:
                settled[ref] = last
                continue
            status = timed(wanted, before, now.strftime("%Y-%m-%dT%H:%M:%SZ"))
            if status is not None:
                due.append(self._write(places, observed, before, status, now))
            else:
                settled[ref] = (wanted, before)
        self._settled = settled
        if due:
            with self._tracing.reporting(len(due)):
                await asyncio.gather(*due)
        uids = {observed.uid for observed in world.observed.values()}
        self._written = {uid: written for uid, written in self._written.items() if uid in uids}

    def _current(self, observed: Observed) -> Mapping[str, Any]:
        """The newest status that is known: ours, or what was observed since."""
        newest = self._store.get(observed.key) or observed
        revision, written = self._written.get(observed.uid, (-1, {}))
        return written if revision >= newest.revision else newest.body.get("status") or {}

    async def _write(
        self,
        places: asyncio.Semaphore,
        observed: Observed,
        before: Mapping[str, Any],
        status: StatusBody,
        now: datetime,
    ) -> None:
        async with places:
            if not self._leading():
                return
            try:
                await self._apply(observed, status)
                event = event_for(observed, before, status, self._instance, now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
                if event is not None:
                    namespace = observed.key[1]
                    await self._api.call("POST", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events", body=event)
            except ApiError as error:
                self._failed(observed, error, gone=error.status in (404, 409))
            except ApiUnreachable as error:
                self._failed(observed, error)

    async def _apply(self, observed: Observed, status: StatusBody) -> None:
        """The uid makes sure that an object of the same name, created meanwhile, does not get this status."""
        kind, namespace, name = observed.key
        metadata = {"name": name, "namespace": namespace, "uid": observed.uid}
        body = {"apiVersion": observed.body["apiVersion"], "kind": kind, "metadata": metadata, "status": status}
        answer = await self._api.apply(f"{WATCHED[kind].object_path(namespace, name)}/status", body, MANAGER)
        self._written[observed.uid] = (int(answer["metadata"]["resourceVersion"]), status)
        self._metrics.status_writes.labels("written").inc()

    def _failed(self, observed: Observed, error: Exception, gone: bool = False) -> None:
        """An object that is gone needs no status."""
        self._metrics.status_writes.labels("gone" if gone else "failed").inc()
        if not gone:
            log.warning("the status of %s %s/%s, or its Event, was not written: %s", *observed.key, error)
