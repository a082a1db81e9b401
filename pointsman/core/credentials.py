"""Bearer tokens for model servers: which Secret key holds each. They travel beside a snapshot, never in it."""

from collections.abc import Iterable

from pointsman.core.resources.kubernetes import Secret
from pointsman.core.snapshot import SecretKey, Snapshot


def resolve_credentials(snapshot: Snapshot, secrets: Iterable[Secret]) -> dict[SecretKey, str]:
    """The tokens that the snapshot's backends refer to and that exist."""
    by_name = {(secret.metadata.namespace, secret.metadata.name): secret for secret in secrets}
    found = {}
    for backend in snapshot.backends.values():
        where = backend.credential
        secret = by_name.get((where.namespace, where.name)) if where is not None else None
        value = secret.value(where.key) if secret is not None and where is not None else None
        if where is not None and value is not None:
            found[where] = value
    return found
