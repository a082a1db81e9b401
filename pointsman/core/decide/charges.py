"""What a candidate will be charged for: the subject's quotas and the backend's own limits."""

from collections.abc import Iterable, Iterator

import msgspec

from pointsman.core.decide.estimate import expected_output
from pointsman.core.quota import Charge, Scope, Unit
from pointsman.core.request import Request, Subject
from pointsman.core.resources.policy import Per, Resource
from pointsman.core.snapshot import Backend, Policy, Quota, Window

_MINUTE = Window(length=60.0)
_DAY = Window(length=86_400.0)
_SEPARATOR = "\x1f"  # appears in no Kubernetes name, so that no two counters share a key


def quotas_for(policy: Policy, subject: Subject) -> tuple[Quota, ...]:
    """The quotas that hold for a subject."""
    return tuple(
        quota
        for quota in policy.quotas
        if (not quota.tenants or subject.tenant in quota.tenants)
        and (not quota.users or subject.user in quota.users)
        and (not quota.keys or subject.key in quota.keys)
    )


def counter(policy: Policy, quota: Quota, subject: Subject) -> str:
    """Name of a quota's counter for a subject. Without a user, `per: User` counts the key."""
    match quota.per:
        case Per.TENANT:
            who: tuple[str, ...] = (subject.tenant,)
        case Per.KEY:
            who = (subject.tenant, "key", subject.key)
        case Per.USER:
            who = (subject.tenant, "user", subject.user) if subject.user else (subject.tenant, "key", subject.key)
    return _SEPARATOR.join((policy.key, quota.name, *who))


class Bill:
    """What one request is charged against its subject's quotas; only the cost depends on the backend."""

    def __init__(self, policy: Policy | None, quotas: Iterable[Quota], request: Request) -> None:
        tokens = request.prompt_tokens + expected_output(request)
        amounts = {Resource.REQUESTS: 1, Resource.TOKENS: tokens, Resource.COST: 0}
        self._charges = tuple(
            Charge(
                key=counter(policy, quota, request.subject),
                scope=Scope.SUBJECT,
                name=quota.name,
                unit=Unit(quota.resource),
                amount=amounts[quota.resource],
                limit=quota.limit,
                window=quota.window,
            )
            for quota in quotas
            if policy is not None
        )
        self._by_cost = any(charge.unit is Unit.COST for charge in self._charges)

    def charges(self, cost: int) -> tuple[Charge, ...]:
        """For a backend that is expected to cost `cost` picos."""
        if not self._by_cost:
            return self._charges
        return tuple(
            msgspec.structs.replace(charge, amount=cost) if charge.unit is Unit.COST else charge
            for charge in self._charges
        )


def subject_probes(policy: Policy, request: Request) -> tuple[Charge, ...]:
    """Names the counters of a subject's quotas, to ask what is left of them before anything is decided."""
    return Bill(policy, quotas_for(policy, request.subject), request).charges(0)


def backend_charges(backend: Backend, request: Request) -> tuple[Charge, ...]:
    """Against the backend's own limits."""
    return tuple(_backend_charges(backend, request.prompt_tokens + expected_output(request)))


def _backend_charges(backend: Backend, tokens: int) -> Iterator[Charge]:
    limits = backend.limits
    for name, unit, amount, limit, window in (
        ("concurrency", Unit.CONCURRENCY, 1, limits.concurrency, None),
        ("requestsPerMinute", Unit.REQUESTS, 1, limits.requests_per_minute, _MINUTE),
        ("tokensPerMinute", Unit.TOKENS, tokens, limits.tokens_per_minute, _MINUTE),
        ("tokensPerDay", Unit.TOKENS, tokens, limits.tokens_per_day, _DAY),
    ):
        if limit is not None:
            key = _SEPARATOR.join(("backend", backend.key, name))
            yield Charge(key, Scope.BACKEND, name, unit, amount, limit, window)
