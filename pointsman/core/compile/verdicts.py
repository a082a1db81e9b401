"""What the compiler has to say of each object: data from which the operator writes conditions."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from pointsman.core.compile.names import Claims
from pointsman.core.problems import Finding, Problem
from pointsman.core.resources.common import Ref
from pointsman.core.snapshot import Policy

_SHOWN = 5


class Status(StrEnum):
    """Status of a condition, as Kubernetes writes it."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(msgspec.Struct, frozen=True):
    """One condition, without its times."""

    status: Status
    reason: str
    message: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one ModelBackend or RoutingPolicy."""

    ref: Ref
    accepted: Condition
    """False because it is Invalid, AddressRefused, NotPermitted or Conflicted. Then nothing of it is used, save that a
    policy still answers to those of its names that it did not lose."""
    resolved_refs: Condition
    """False because of RefNotFound or RefNotPermitted; what resolved is used."""
    problems: tuple[Problem, ...] = ()
    """All of them, warnings too."""
    routes: int = 0
    backends: int = 0
    """Different backends that a policy refers to and that resolved."""


def rejected(ref: Ref, reason: str, problems: Sequence[Problem]) -> Verdict:
    """On an object that is not used at all."""
    errors = [problem for problem in problems if problem.is_error]
    return Verdict(
        ref=ref,
        accepted=Condition(Status.FALSE, reason, _summary(errors)),
        resolved_refs=Condition(Status.UNKNOWN, "NotAccepted", "References are resolved once the object is accepted"),
        problems=tuple(problems),
    )


def on_backend(ref: Ref, remarks: Sequence[Finding], unresolved: Sequence[Finding]) -> Verdict:
    """On a backend that is used."""
    return Verdict(
        ref=ref,
        accepted=Condition(Status.TRUE, "Accepted", _summary(remarks)),
        resolved_refs=_resolved_refs(unresolved),
        problems=tuple(finding.of(ref) for finding in (*remarks, *unresolved)),
    )


def on_policy(
    ref: Ref, policy: Policy, claims: Claims, remarks: Sequence[Finding], unresolved: Sequence[Finding]
) -> Verdict:
    """On a policy that is valid."""
    return Verdict(
        ref=ref,
        accepted=_claimed(claims) if claims.findings else Condition(Status.TRUE, "Accepted", _summary(remarks)),
        resolved_refs=_resolved_refs(unresolved),
        problems=tuple(finding.of(ref) for finding in (*claims.findings, *remarks, *unresolved)),
        routes=len(policy.routes),
        backends=len(policy.backend_keys()),
    )


def _claimed(claims: Claims) -> Condition:
    """A policy that lost names is not accepted, and says what it still answers to."""
    left = f"It still answers to {', '.join(claims.names)}" if claims.names else "It is not used"
    return Condition(Status.FALSE, claims.findings[0].reason, f"{_summary(claims.findings)}. {left}")


def _resolved_refs(findings: Iterable[Finding]) -> Condition:
    unresolved = [finding for finding in findings if finding.reason]
    if not unresolved:
        return Condition(Status.TRUE, "ResolvedRefs")
    return Condition(Status.FALSE, unresolved[0].reason, _summary(unresolved))


def _summary(found: Sequence[Problem] | Sequence[Finding]) -> str:
    """The first few with their fixes, in one line."""
    lines = [": ".join(part for part in (each.field, f"{each.problem}. {each.fix}") if part) for each in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"and {len(found) - _SHOWN} more")
    return "; ".join(lines)
