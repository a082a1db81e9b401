"""The observed objects: fed by Kopf's events, corrected by an own LIST. Lives in one event loop; never blocks.

Kopf does not tell of objects that were deleted while its watch was interrupted, so a LIST prunes by uid. What happened
while the LIST was under way is newer than the LIST, and wins.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from pointsman_operator.watched import WATCHED

Body = Mapping[str, Any]
Key = tuple[str, str, str]
"""Kind, namespace, name."""

HOLD_ABOVE = 20
"""A LIST that would remove more than half of more endpoints than this is held once: it may be half an answer."""


class Observed(msgspec.Struct, frozen=True):
    """One object, as it was last seen."""

    key: Key
    uid: str
    revision: int
    """The resourceVersion, which grows (KEP-5504)."""
    content: str
    """Changes exactly when something does that matters to the compiler; a status does not."""
    body: Body
    seen: int
    """When, as a count of the store's own."""

    def __repr__(self) -> str:
        return f"Observed({self.key!r}, revision={self.revision})"  # its body may be a Secret's

    @property
    def endpoints(self) -> int:
        """How many an EndpointSlice lists."""
        return len(self.body.get("endpoints") or ()) if self.key[0] == "EndpointSlice" else 0


class Relisted(msgspec.Struct, frozen=True):
    """What a LIST corrected."""

    added: int = 0
    removed: int = 0
    held: int = 0
    """Endpoints that would have been removed."""


class Store:
    """All objects, by key."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """`changed` is called whenever something changed that matters to the compiler."""
        self._changed = changed
        self._objects: dict[Key, Observed] = {}
        self._deleted: dict[str, Observed] = {}
        """What went, by uid. An object that lost its label and got it back is the same one, at a later revision."""
        self._held: frozenset[str] = frozenset()
        self._count = 0

    def objects(self) -> tuple[Observed, ...]:
        """Everything, at this moment."""
        return tuple(self._objects.values())

    def get(self, key: Key) -> Observed | None:
        """One object."""
        return self._objects.get(key)

    def put(self, kind: str, body: Body) -> bool:
        """An object as somebody saw it; False when something newer is known already."""
        new = observe(kind, body, self._tick())
        old = self._objects.get(new.key)
        gone = self._deleted.get(new.uid)
        if gone is not None and new.revision <= gone.revision:
            return False
        if old is not None and old.uid == new.uid and old.revision > new.revision:
            return False
        self._objects[new.key] = new
        if old is None or old.content != new.content:
            self._changed()
        return True

    def delete(self, kind: str, body: Body) -> None:
        """An object is gone; another one of its name stays."""
        gone = observe(kind, body, self._tick())
        self._deleted[gone.uid] = gone
        old = self._objects.get(gone.key)
        if old is not None and old.uid == gone.uid:
            del self._objects[gone.key]
            self._changed()

    def mark(self) -> int:
        """This moment: take one before a LIST."""
        return self._tick()

    def relist(self, kind: str, bodies: Iterable[Body], mark: int) -> Relisted:
        """Make one kind equal to a LIST that was asked for at `mark`, save for what was seen since."""
        listed = [observe(kind, body, mark) for body in bodies]
        uids = {each.uid for each in listed}
        missing = [
            each for each in self._objects.values() if each.key[0] == kind and each.uid not in uids and each.seen < mark
        ]
        held = self._to_hold(kind, missing)
        for each in () if held else missing:
            del self._objects[each.key]
        added = sum(self._missed(each) and self.put(kind, each.body) for each in listed)
        self._forget(mark)
        if missing and not held:
            self._changed()
        return Relisted(added, 0 if held else len(missing), held)

    def _missed(self, listed: Observed) -> bool:
        known = self._objects.get(listed.key)
        return known is None or known.uid != listed.uid or known.revision < listed.revision

    def _to_hold(self, kind: str, missing: list[Observed]) -> int:
        """How many endpoints to keep against the LIST; a second LIST that says the same is believed."""
        total = sum(each.endpoints for each in self._objects.values() if each.key[0] == kind)
        lost, uids = sum(each.endpoints for each in missing), frozenset(each.uid for each in missing)
        again, self._held = uids <= self._held, (uids if kind == "EndpointSlice" else self._held)
        return lost if total > HOLD_ABOVE and lost * 2 > total and not again else 0

    def _forget(self, mark: int) -> None:
        """Deletions matter only to LISTs that began before them; one kind's at a time is under way."""
        self._deleted = {uid: gone for uid, gone in self._deleted.items() if gone.seen >= mark}

    def _tick(self) -> int:
        self._count += 1
        return self._count


def observe(kind: str, body: Body, seen: int) -> Observed:
    """An object without what nobody needs; raises on none that the API server gives."""
    metadata = body.get("metadata") or {}
    uid, version = str(metadata.get("uid", "")), str(metadata.get("resourceVersion", ""))
    kept = {name: value for name, value in metadata.items() if name not in ("managedFields", "annotations")}
    slim = {"apiVersion": WATCHED[kind].api_version, "kind": kind, **body, "metadata": kept}
    key = (kind, str(metadata.get("namespace", "")), str(metadata.get("name", "")))
    return Observed(key, uid, int(version) if version.isdecimal() else 0, _content(kind, slim), slim, seen)


def _content(kind: str, body: Body) -> str:
    metadata = body["metadata"]
    if not WATCHED[kind].ours:
        return f"{metadata.get('uid')}/{metadata.get('resourceVersion')}"
    labels = msgspec.json.encode(metadata.get("labels") or {}, order="sorted")
    return f"{metadata.get('uid')}/{metadata.get('generation')}/{hashlib.sha256(labels).hexdigest()[:16]}"
