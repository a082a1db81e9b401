"""Everything that was started: kept running, and ended together."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from pointsman.cli.demo import cast
from pointsman.cli.demo.children import Child, end
from pointsman.cli.output import err
from pointsman.core.errors import ConfigError

_BACK_AFTER = 5.0
"""Seconds after which a backend that ended is started again."""
_ROUTER_LIMIT, _BACKEND_LIMIT = 8.0, 3.0
"""Seconds that each gets to end."""
_POLL = 0.2


class Company:
    """The backends by name with their ports, and the router."""

    def __init__(self) -> None:
        self.backends: dict[str, Child] = {}
        self.ports: dict[str, int] = {}
        self.router: Child | None = None
        self._back_at: dict[str, float] = {}
        """When each ended backend is started again, by monotonic seconds."""

    def keep(self) -> None:
        """Bring back backends that end, until an exception. Raises ConfigError when the router ends."""
        while True:
            if self.router is not None and not self.router.running:
                raise ConfigError(f"the router ended:\n{self.router.last_words()}")
            for name, child in self.backends.items():
                self._keep(name, child)
            time.sleep(_POLL)

    def _keep(self, name: str, child: Child) -> None:
        now = time.monotonic()
        if child.running:
            return
        if name not in self._back_at:
            self._back_at[name] = now + _BACK_AFTER
            err.print(f"{cast.label(name)} ended; it is started again in {_BACK_AFTER:.0f} s", style="yellow")
        elif now >= self._back_at[name]:
            del self._back_at[name]
            child.restart(cast.backend_command(name, self.ports[name]))
            err.print(f"{cast.label(name)} is started again, as process {child.pid}", style="green")

    def end(self) -> None:
        """The router first, so that answers under way still have their models."""
        if self.router is not None:
            end([self.router], _ROUTER_LIMIT)
        end(self.backends.values(), _BACKEND_LIMIT)


@contextmanager
def company() -> Iterator[Company]:
    """An empty company, whose members end with the context."""
    members = Company()
    try:
        yield members
    finally:
        members.end()
