"""Looks at a folder again and again, and adopts what changed; what is wrong is said once and changes nothing."""

import asyncio
import logging

from pointsman.core.errors import ConfigError
from pointsman.core.problems import Problem
from router_svc.keys import KeyFile
from router_svc.metrics import Metrics
from router_svc.snapshots import Snapshots
from router_svc.source.folder import Folder

log = logging.getLogger("pointsman.source")

INTERVAL = 1.0
"""Seconds between two looks."""


class Watch:
    """Keeps a router's snapshot and keys equal to what its folder and key file say."""

    def __init__(self, folder: Folder, keys: KeyFile, snapshots: Snapshots, metrics: Metrics) -> None:
        self._folder, self._keys, self._snapshots, self._metrics = folder, keys, snapshots, metrics
        self._said: frozenset[Problem] = frozenset()
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """Why the folder or key file cannot be read now; empty when all is well. Shown in /readyz."""
        return self._trouble

    async def once(self) -> None:
        """Look, and adopt what changed. Raises ConfigError when something is unreadable; the state before stays."""
        loaded = await asyncio.get_running_loop().run_in_executor(None, self._folder.load)
        if loaded is not None:
            await self._snapshots.adopt(loaded)
            self._say(loaded.problems)
            log.info(
                "snapshot %s in force: %d policies, %d backends",
                loaded.snapshot.version[:12],
                len(loaded.snapshot.policies),
                len(loaded.snapshot.backends),
            )
        if self._keys.load():
            log.info("keys loaded")

    async def forever(self) -> None:
        """Look every second until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL)
            try:
                await self.once()
                self._trouble = ""
            except ConfigError as error:
                self._tell(str(error))
            except Exception as error:  # a bug must not end the watching: the state before stays in force
                self._tell(f"{type(error).__name__} while loading; see docs/user-guide.md")

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._metrics.snapshot("", adopted=False)
            log.error("what was loaded before stays in force: %s", trouble)
        self._trouble = trouble

    def _say(self, problems: tuple[Problem, ...]) -> None:
        for problem in problems:
            if problem not in self._said:
                log.log(logging.ERROR if problem.is_error else logging.WARNING, "%s", problem)
        self._said = frozenset(problems)
