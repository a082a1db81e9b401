"""Looks at a folder and a key file again and again, and adopts what changed; what is wrong changes nothing.

The two are looked at independently, keys first: no broken policy may keep a revoked key alive.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from pointsman.core.errors import ConfigError
from pointsman.core.problems import Problem
from router_svc.keys import KeyFile
from router_svc.metrics import Metrics
from router_svc.snapshots import Snapshots
from router_svc.source.folder import Folder
from router_svc.source.loaded import Loaded

log = logging.getLogger("pointsman.source")

INTERVAL = 1.0
"""Seconds between two looks."""


class Watch:
    """Keeps a router's snapshot and keys equal to what its folder and key file say."""

    def __init__(self, folder: Folder, keys: KeyFile, snapshots: Snapshots, metrics: Metrics) -> None:
        self._folder, self._keys, self._snapshots = folder, keys, snapshots
        self._watched = (
            _Watched(self._load_keys, lambda: None),
            _Watched(self._load_folder, lambda: metrics.snapshot("", adopted=False)),
        )
        self._pending: Loaded | None = None
        self._empty = self._wrong = ""
        self._said: frozenset[Problem] = frozenset()

    @property
    def trouble(self) -> str:
        """Why the folder or key file is not what is in force; empty when all is well. Shown in /readyz."""
        return "; ".join(filter(None, (*(each.trouble for each in self._watched), self._empty, self._wrong)))

    @property
    def answering(self) -> bool:
        """Whether anything of the folder can answer."""
        return not self._empty

    @property
    def ready_routers(self) -> int:
        """A folder knows of no other router."""
        return 1

    async def once(self) -> None:
        """Look, and adopt what changed. Raises ConfigError when something is unreadable; the state before stays."""
        failures = [await each.look() for each in self._watched]
        for failure in filter(None, failures):
            raise failure

    async def look(self) -> None:
        """Look, adopt what changed, and log what went wrong: each trouble when it begins and when it is over."""
        for each in self._watched:
            await each.look()
            each.tell()

    async def forever(self) -> None:
        """Look every second until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL)
            await self.look()

    async def _load_keys(self) -> None:
        if self._keys.load():
            log.info("keys loaded")

    async def _load_folder(self) -> None:
        loaded = await asyncio.get_running_loop().run_in_executor(None, self._folder.load)
        self._pending = self._pending if loaded is None else loaded
        if self._pending is not None:
            self._say(self._pending.problems)
            await self._snapshots.adopt(self._pending)
            self._adopted(self._pending)
            self._pending = None  # only now: a failed adoption is tried again at the next look

    def _adopted(self, loaded: Loaded) -> None:
        snapshot = loaded.snapshot
        errors = [problem for problem in loaded.problems if problem.is_error]
        self._wrong = f"{len(errors)} problems, the first: {errors[0]}" if errors else ""
        self._empty = _nothing_answers(loaded, str(self._folder.path))
        if self._empty:
            log.warning("%s: nothing can be answered until there is", self._empty)
        if snapshot.version:
            in_force = (snapshot.version[:12], len(snapshot.policies), len(snapshot.backends), len(errors))
            log.info("snapshot %s in force: %d policies, %d backends; %d problems", *in_force)

    def _say(self, problems: tuple[Problem, ...]) -> None:
        for problem in problems:
            if problem not in self._said:
                log.log(logging.ERROR if problem.is_error else logging.WARNING, "%s", problem)
        self._said = frozenset(problems)


def _nothing_answers(loaded: Loaded, where: str) -> str:
    """Why nothing can be answered: the folder is empty, or has policies of which none is usable."""
    if not loaded.snapshot.version:
        return f"no usable policy or backend in {where}"
    wanted = any(verdict.ref.kind == "RoutingPolicy" for verdict in loaded.verdicts)
    usable = any(not policy.problem for policy in loaded.snapshot.policies.values())
    return f"no usable policy in {where}" if wanted and not usable else ""


class _Watched:
    """One thing that is looked at, and what is wrong with it for as long as that is true."""

    def __init__(self, load: Callable[[], Awaitable[None]], refused: Callable[[], None]) -> None:
        """`load` raises what is wrong; `refused` is told of each trouble that begins."""
        self._load, self._refused = load, refused
        self.trouble = self._told = ""

    async def look(self) -> Exception | None:
        """Load it, and hand back what went wrong. A bug must not end the watching either."""
        try:
            await self._load()
        except ConfigError as error:
            self.trouble = str(error)
            return error
        except Exception as error:
            self.trouble = f"{type(error).__name__} while loading; see docs/user-guide.md"
            return error
        self.trouble = ""
        return None

    def tell(self) -> None:
        """Log a trouble that is new, or over."""
        if self.trouble == self._told:
            return
        if self.trouble:
            self._refused()
            log.error("what was loaded before stays in force: %s", self.trouble)
        else:
            log.info("this is over: %s", self._told)
        self._told = self.trouble
