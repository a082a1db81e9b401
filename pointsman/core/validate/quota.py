"""Rules of a RoutingPolicy's quotas."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pointsman.core import money
from pointsman.core.problems import Finding
from pointsman.core.resources.policy import ExhaustedAction, Quota, Resource, RoutingPolicySpec, WindowType
from pointsman.core.validate.common import given_once

Findings = Iterator[Finding]


def _quotas(spec: RoutingPolicySpec) -> Iterator[tuple[str, Quota]]:
    for index, quota in enumerate(spec.quotas):
        yield f"spec.quotas[{index}]", quota


def rolling_windows_have_a_length(spec: RoutingPolicySpec) -> Findings:
    """A Rolling window has a length, and nothing of a calendar."""
    for field, quota in _quotas(spec):
        window = quota.window
        if window.type is not WindowType.ROLLING:
            continue
        if window.length is None:
            yield Finding(f"{field}.window.length", "is required of a Rolling window", "Add a length such as 5h")
        if window.period is not None:
            yield Finding(f"{field}.window.period", "is of Calendar windows only", "Remove it, or set type: Calendar")
        if window.time_zone != "UTC":
            yield Finding(f"{field}.window.timeZone", "is of Calendar windows only", "Remove it, or set type: Calendar")


def calendar_windows_have_a_period(spec: RoutingPolicySpec) -> Findings:
    """A Calendar window has a period and a time zone that exists, and no length."""
    for field, quota in _quotas(spec):
        window = quota.window
        if window.type is not WindowType.CALENDAR:
            continue
        if window.period is None:
            yield Finding(f"{field}.window.period", "is required of a Calendar window", "Add Day, Week or Month")
        if window.length is not None:
            yield Finding(f"{field}.window.length", "is of Rolling windows only", "Remove it, or set type: Rolling")
        if not _zone_exists(window.time_zone):
            problem = f'"{window.time_zone}" is not an IANA time zone'
            yield Finding(f"{field}.window.timeZone", problem, "Write it like Europe/Berlin")


def _zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder such as America is an OSError
        return False
    return True


def limits_admit_something(spec: RoutingPolicySpec) -> Findings:
    """A limit of nothing is a refusal in disguise."""
    for field, quota in _quotas(spec):
        if money.picos(quota.limit) == 0:
            yield Finding(f"{field}.limit", "admits nothing", "Raise it; to refuse a tenant, revoke its keys")


def counts_are_whole_numbers(spec: RoutingPolicySpec) -> Findings:
    """Half a request does not exist."""
    for field, quota in _quotas(spec):
        if quota.resource is not Resource.COST and money.picos(quota.limit) % money.PICOS:
            yield Finding(f"{field}.limit", f"{quota.resource} are counted in whole numbers", "Remove the fraction")


def only_downgrades_name_backends(spec: RoutingPolicySpec) -> Findings:
    """Downgrade says to whom; Reject has nobody to name."""
    for field, quota in _quotas(spec):
        action, backends = quota.on_exhausted.action, quota.on_exhausted.backends
        if action is ExhaustedAction.DOWNGRADE and not backends:
            problem = "Downgrade needs to know who answers instead"
            yield Finding(f"{field}.onExhausted.backends", problem, "List cheaper backends, or set action: Reject")
        if action is ExhaustedAction.REJECT and backends:
            fix = "Remove them, or set action: Downgrade"
            yield Finding(f"{field}.onExhausted.backends", "Reject does not ask other backends", fix)


def subjects_given_once(spec: RoutingPolicySpec) -> Findings:
    """Lists that are sets."""
    for field, quota in _quotas(spec):
        yield from given_once(f"{field}.match.tenants", quota.match.tenants)
        yield from given_once(f"{field}.match.users", quota.match.users)
        yield from given_once(f"{field}.match.keys", quota.match.keys)
