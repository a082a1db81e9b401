"""Who is asking: from the Authorization header to a subject and its rights.

Without a key file (open mode) everyone is the tenant "default" and may say for which user they speak. With one, a
request without a good key is refused; one without any key is too, unless the file has an anonymous entry. Nothing else
is asked, so nothing can fail.
"""

import hmac
from collections.abc import Callable, Iterable

from pointsman.core.errors import Unauthenticated
from pointsman.core.keys import KeyEntry, digest
from pointsman.core.request import Rights, Subject
from router_svc.exchange import Identity

_HOW = "Send it as 'Authorization: Bearer KEY'."
_OPEN_RIGHTS = Rights(speak_for_users=True)
_NO_HASH = digest("")


class Keyring:
    """The known keys; immutable, so that a reload swaps it whole."""

    def __init__(self, entries: Iterable[KeyEntry] | None, clock: Callable[[], float]) -> None:
        """No `entries` at all is open mode, an empty list lets nobody in. `clock` gives epoch seconds."""
        listed = None if entries is None else tuple(entries)
        self._entries = None if listed is None else {entry.hash: entry for entry in listed if entry.hash}
        self._anonymous = next((entry for entry in listed or () if entry.anonymous), None)
        self._clock = clock

    @property
    def open(self) -> bool:
        """Whether requests need no key."""
        return self._entries is None

    def identify(self, authorization: str | None, body_user: str = "") -> Identity:
        """Who sent this header; `body_user` is the request's `user`, which counts only if the key may say it."""
        if self._entries is None:
            return Identity(Subject(user=body_user), _OPEN_RIGHTS)
        if self._anonymous is not None and not authorization:
            entry = self._anonymous
        else:
            entry = self._entry(self._entries, _bearer(authorization))
        if entry.disabled:
            raise Unauthenticated("This API key is disabled; ask its issuer.", code="disabled_api_key")
        if entry.expires_at is not None and self._clock() >= entry.expires_at:
            raise Unauthenticated("This API key has expired; ask its issuer for a new one.", code="expired_api_key")
        rights = Rights(models=entry.rights.models, speak_for_users=entry.rights.speak_for_users)
        user = body_user if body_user and rights.speak_for_users else entry.user
        return Identity(Subject(tenant=entry.tenant, user=user, key=entry.id), rights)

    def _entry(self, entries: dict[str, KeyEntry], key: str) -> KeyEntry:
        """The entry of a key. What is looked up is a hash, so its timing tells nothing of any key; the comparison
        that decides takes the same time whether one was found or not."""
        presented = digest(key)
        entry = entries.get(presented)
        known = hmac.compare_digest(presented, entry.hash if entry else _NO_HASH)
        if entry is None or not known:
            raise Unauthenticated(f"This API key is not known. {_HOW}")
        return entry


def _bearer(authorization: str | None) -> str:
    scheme, _, key = (authorization or "").strip().partition(" ")
    if not authorization or not scheme:
        raise Unauthenticated(f"An API key is required. {_HOW}", code="missing_api_key")
    if scheme.lower() != "bearer" or not key.strip():
        raise Unauthenticated(f"The Authorization header holds no API key. {_HOW}")
    return key.strip()
