"""Kopf's part: tells the store what the API server tells. Handlers never raise, block or write.

They are coroutines, as Kopf calls plain functions in threads, where the store does not live.

Kopf logs errors of `on.event` and forgets the event, so nothing here may fail; and it calls nothing while there are no
objects, so the first LIST, not Kopf, says that everything is known (see `resync`).
"""

import logging
import re
from typing import Any

import kopf

from pointsman_operator.store import Store
from pointsman_operator.watched import WATCHED, Watched

log = logging.getLogger("pointsman.watch")


def registry(store: Store) -> kopf.OperatorRegistry:
    """Handlers for every watched kind."""
    handlers = kopf.OperatorRegistry()
    kopf.on.login(registry=handlers)(login)
    for watched in WATCHED.values():
        _watch(watched, store, handlers)
    return handlers


def _watch(watched: Watched, store: Store, handlers: kopf.OperatorRegistry) -> None:
    @kopf.on.event(watched.group, watched.version, watched.plural, id=watched.plural, registry=handlers)
    async def observed(event: kopf.RawEvent, **_: Any) -> None:  # in the store's own thread, as it is a coroutine
        try:
            if event["type"] == "DELETED":
                store.delete(watched.kind, event["object"])
            else:
                store.put(watched.kind, event["object"])
        except Exception:  # the next LIST mends it
            log.exception("an event of a %s was not understood", watched.kind)


def login(**_: Any) -> kopf.ConnectionInfo | None:
    """The pod's service account, or the kubeconfig of a person."""
    settings = kopf.OperatorSettings()
    return kopf.login_with_service_account(settings=settings) or kopf.login_with_kubeconfig(settings=settings)


class _NoDifferences(kopf.DiffBaseStorage):
    """Kopf otherwise copies every object for differences that no handler here asks for: a seventh of its time."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Nothing to compare."""
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Nothing was kept."""
        return None

    def store(self, **_: Any) -> None:
        """Nothing is kept: objects are their users' own."""


class OptionalKinds(logging.Filter):
    """Makes news of Kopf's warning that a kind is not served, where clusters may lack every kind that it names."""

    LOGGER = "kopf._core.reactor.observation"
    """Whose warning it is; filters of a logger above are not asked."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Nothing is dropped: another kind that is missing stays a warning."""
        named = set(re.findall(r"any_name='(\w+)'", record.getMessage()))
        optional = {watched.plural: watched.kind for watched in WATCHED.values() if watched.optional}
        if named and named <= optional.keys():
            record.levelno, record.levelname = logging.INFO, "INFO"
            kinds = ", ".join(sorted(optional[each] for each in named))
            record.msg, record.args = f"{kinds}: not installed, which is fine; watched once it is", ()
        return True


def settings() -> kopf.OperatorSettings:
    """How Kopf watches: it posts nothing, and it notices a dead connection."""
    chosen = kopf.OperatorSettings()
    chosen.posting.enabled = False
    chosen.persistence.diffbase_storage = _NoDifferences()
    chosen.networking.connect_timeout = 10
    chosen.networking.request_timeout = 60
    chosen.networking.error_backoffs = (1, 1, 2, 2, 3, 3, 5, 5)  # then a watch starts anew: no outage is noticed late
    chosen.watching.server_timeout = 600
    for watched in WATCHED.values():
        if watched.selector:
            chosen.watching.label_selectors[watched.group, watched.version, watched.plural] = watched.selector
    return chosen
