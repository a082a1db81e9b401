"""An own LIST of everything: once at the start, so that nothing is compiled from half a cluster, then regularly.

Without the API server, what is known stays; the next LIST after an outage corrects it.
"""

import asyncio
import logging

from pointsman_operator.api import Api, ApiError, ApiUnreachable
from pointsman_operator.metrics import Metrics
from pointsman_operator.store import Store
from pointsman_operator.watched import WATCHED, Watched

log = logging.getLogger("pointsman.resync")

RETRY = 2.0
"""Seconds between tries while the API server does not answer."""


class Resync:
    """Keeps the store true to the API server."""

    def __init__(self, api: Api, store: Store, metrics: Metrics, interval: float) -> None:
        self._api, self._store, self._metrics, self._interval = api, store, metrics, interval
        self.synced = asyncio.Event()
        """Set once everything was listed."""

    async def forever(self) -> None:
        """List, wait, and list again, until cancelled."""
        while True:
            try:
                await self.once()
                self.synced.set()
                await asyncio.sleep(self._interval)
            except (ApiError, ApiUnreachable) as error:
                self._metrics.resyncs.labels("failed").inc()
                log.warning("the cluster could not be listed; what is known stays: %s", error)
                await asyncio.sleep(RETRY)

    async def once(self) -> None:
        """List every kind and correct the store."""
        for watched in WATCHED.values():
            mark = self._store.mark()
            relisted = self._store.relist(watched.kind, await self._list(watched), mark)
            self._metrics.relisted(watched.kind, relisted)
            if relisted.held:
                log.error("a LIST lacks %d endpoints, more than half; held until the next one agrees", relisted.held)
        self._metrics.resyncs.labels("done").inc()

    async def _list(self, watched: Watched) -> list[dict[str, object]]:
        try:
            return [dict(item) for item in await self._api.list(watched.path, watched.selector)]
        except ApiError as error:
            if watched.optional and error.status == 404:
                return []
            raise
