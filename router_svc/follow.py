"""Keeps a router's snapshot equal to what the control plane sends, and its keys to what their file says.

Where `watch` looks at a folder, this follows a stream. Without the control plane the state from disk answers; with
neither, or with a damaged disk, the router is not ready and says so until the control plane answers.
"""

import asyncio
import logging

from pointsman.core.errors import ConfigError, SnapshotError
from router_svc.keys import KeyFile
from router_svc.source.stream.client import ControlPlane

log = logging.getLogger("pointsman.source")

INTERVAL = 1.0
"""Seconds between two looks at the key file and at whether this router is ready."""


class Follow:
    """The control plane as the source."""

    def __init__(self, client: ControlPlane, keys: KeyFile) -> None:
        self._client, self._keys = client, keys
        self._damage = self._keys_trouble = ""

    @property
    def trouble(self) -> str:
        """Why nothing new arrives, or what is wrong with disk or keys; empty when all is well."""
        damage = self._damage if self._client.position == (0, 0) else ""
        return "; ".join(part for part in (self._client.trouble, damage, self._keys_trouble) if part)

    @property
    def answering(self) -> bool:
        """What the control plane sends is taken as it is; its statuses say what is wrong with it."""
        return True

    @property
    def ready_routers(self) -> int:
        """As the control plane last told; without it, as many as there were."""
        return self._client.ready_routers

    async def once(self) -> None:
        """Start from disk, if something is there."""
        try:
            if not await self._client.restore():
                log.info("nothing on disk: waiting for the control plane")
        except SnapshotError as error:
            self._damage = str(error)
            log.warning("nothing is answered until the control plane does: %s", error)

    async def forever(self) -> None:
        """Follow, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._client.forever())
            tasks.create_task(self._look())

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            self._client.say_readiness()
            try:
                if self._keys.load():
                    log.info("keys loaded")
                self._keys_trouble = ""
            except ConfigError as error:
                if str(error) != self._keys_trouble:
                    log.warning("the keys that were loaded before stay in force: %s", error)
                self._keys_trouble = str(error)
