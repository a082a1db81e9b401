"""What a model name means: a virtual name of a policy, or one pinned backend; with or without a mode."""

from collections.abc import Iterable

import msgspec

from pointsman.core.request import Rights, Subject
from pointsman.core.resources.policy import Override
from pointsman.core.snapshot import Backend, Overrides, Policy, Snapshot

_NAMES_SHOWN = 50


class Target(msgspec.Struct, frozen=True):
    """What a request asks for. Without a backend, the policy chooses one."""

    name: str
    """The name asked for, without a mode."""
    policy: Policy | None
    backend: Backend | None = None
    mode: str | None = None
    """The mode named in NAME:MODE."""
    retired: bool = False
    """The name is a retired one, answered by its replacement."""
    pin_denied: bool = False
    """Every policy that lists the pinned backend forbids this subject to pin it."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name under which a key's rights may allow this."""
        if self.backend is not None:
            return (self.backend.name, self.backend.key, self.backend.model, *self.backend.aliases)
        return (self.name,)


def resolve(snapshot: Snapshot, name: str, subject: Subject, now: float) -> Target | None:
    """Find what `name` means for this subject; None when nothing has that name.

    The order is: virtual name, alias or retired name, backend, upstream model; then the same for NAME of NAME:MODE,
    if a mode of the policy in charge has that name. A retired name counts from its date (`now`, epoch seconds).
    """
    if (target := _whole_name(snapshot, name, subject, now)) is not None:
        return target
    base, colon, mode = name.rpartition(":")
    if not colon:
        return None
    target = _whole_name(snapshot, base, subject, now)
    if target is None or target.policy is None or target.policy.mode(mode) is None:
        return None
    return msgspec.structs.replace(target, mode=mode)


def allowed(override: Override, overrides: Overrides, subject: Subject) -> bool:
    """Whether a policy lets this subject choose for itself."""
    if override is not Override.LISTED:
        return override is Override.ALLOW
    return any(rule.tenant == subject.tenant and rule.user in (None, subject.user) for rule in overrides.subjects)


def known_models(snapshot: Snapshot, rights: Rights) -> list[tuple[str, str]]:
    """Every name that these rights allow to ask for, with its owner (a namespace, or "pointsman" for a virtual name):
    virtual names first, then backends and their aliases."""
    virtual = sorted((name, "pointsman") for name in snapshot.virtual_names if rights.allow(name))
    real = sorted(
        (name, backend.namespace)
        for backend in snapshot.backends.values()
        for name in (backend.name, *backend.aliases)
        if rights.allow(backend.name, backend.key, backend.model, *backend.aliases)
    )
    return [*virtual, *real]


def no_such_model(name: str, known: Iterable[str]) -> str:
    """What somebody is told who asks for a name that nothing has; `known` are those they may ask for."""
    names = list(known)
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    exists = ", ".join(names[:_NAMES_SHOWN]) + more if names else "none: no policy or backend is in force"
    return f"model {name!r} does not exist; available: {exists}"


def _whole_name(snapshot: Snapshot, name: str, subject: Subject, now: float) -> Target | None:
    if (policy := snapshot.virtual_names.get(name)) is not None:
        return Target(name, policy)
    if (backend := snapshot.aliases.get(name)) is not None:
        return _pinned(snapshot, name, backend, subject)
    backend, not_before = snapshot.retired.get(name, (None, 0.0))
    if backend is not None and now >= not_before:
        return msgspec.structs.replace(_pinned(snapshot, name, backend, subject), retired=True)
    backend = snapshot.by_name.get(name) or snapshot.by_upstream_model.get(name)
    return _pinned(snapshot, name, backend, subject) if backend is not None else None


def _pinned(snapshot: Snapshot, name: str, backend: Backend, subject: Subject) -> Target:
    """The policy in charge of a pinned backend is the oldest that lists it and lets the subject pin; its quotas,
    modes and timeouts hold. A backend that no policy lists may be pinned by anyone."""
    policies = snapshot.listed_by.get(backend.key, ())
    for policy in policies:
        if allowed(policy.overrides.models, policy.overrides, subject):
            return Target(name, policy, backend)
    return Target(name, policies[0] if policies else None, backend, pin_denied=bool(policies))
