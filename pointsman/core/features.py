"""What a router must understand before it may use an object: where ignoring a field would fail open.

A field that was added later and that only makes routing better needs no feature: an older router ignores it. One that
forbids, limits or refuses something does.
"""

from collections.abc import Callable, Iterator, Mapping

from pointsman.core.resources.policy import Override
from pointsman.core.snapshot import Backend, Objective, Policy


def _constrains(objective: Objective | None) -> bool:
    return objective is not None and (objective.max_cost is not None or objective.max_first_token is not None)


_OF_BACKENDS: Mapping[str, Callable[[Backend], bool]] = {
    "limits": lambda backend: backend.limits != type(backend.limits)(),
}

_OF_POLICIES: Mapping[str, Callable[[Policy], bool]] = {
    "backendSelector": lambda policy: any(route.selector for route in (*policy.routes, policy.default)),
    "constraints": lambda policy: any(map(_constrains, (policy.objective, *(mode.objective for mode in policy.modes)))),
    "overrides": lambda policy: {policy.overrides.models, policy.overrides.modes} != {Override.ALLOW},
    "quotas": lambda policy: bool(policy.quotas),
}

FEATURES = frozenset(_OF_BACKENDS) | frozenset(_OF_POLICIES)
"""The features that this version has."""


def needed_by(compiled: Backend | Policy) -> Iterator[str]:
    """The features that an object needs."""
    if isinstance(compiled, Backend):
        yield from (feature for feature, needs in _OF_BACKENDS.items() if needs(compiled))
    else:
        yield from (feature for feature, needs in _OF_POLICIES.items() if needs(compiled))
