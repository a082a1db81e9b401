"""The steps of a compilation, in their order.

Each step is a function of what is named as its input. With a `Memo`, the steps whose inputs are those of the
compilation before are not taken again: what depends on one object alone, on who gets which name, or on whom a policy
can refer to.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

import msgspec

from pointsman.core.canonical import seal
from pointsman.core.compile.backends import compile_backend
from pointsman.core.compile.names import Claimant, Claims, claimant, settle_backend_names, settle_virtual_names
from pointsman.core.compile.policies import compile_policy
from pointsman.core.compile.refs import Directory, directory_of
from pointsman.core.compile.targets import Target, Targets, check_address, settle
from pointsman.core.compile.verdicts import Verdict, on_backend, on_policy, rejected
from pointsman.core.installation import Installation
from pointsman.core.inventory import Resources
from pointsman.core.memo import Memo
from pointsman.core.problems import Finding, is_valid
from pointsman.core.resources import ModelBackend, RoutingPolicy
from pointsman.core.resources.common import Ref
from pointsman.core.snapshot import Backend, Policy, Snapshot
from pointsman.core.validate import validate

_CLOSED = Installation()
_Resource = TypeVar("_Resource", ModelBackend, RoutingPolicy)
_Value = TypeVar("_Value")


class Compilation(msgspec.Struct, frozen=True):
    """A snapshot, and a verdict on every ModelBackend and RoutingPolicy, sorted by kind, namespace and name."""

    snapshot: Snapshot
    verdicts: tuple[Verdict, ...]


def compile_snapshot(
    resources: Resources, installation: Installation = _CLOSED, memo: Memo | None = None
) -> Compilation:
    """Compiles everything; raises on nothing that `parse` gives.

    With the memo of the compilation before, only what changed, or what it changes for others, is computed again; the
    result is the same.
    """
    memo = Memo() if memo is None else memo
    memo.turn()
    installation = memo("installation", _itself, installation)
    backends = _sift(resources.backends, lambda backend: memo(_named("judged", backend), _judge, backend, installation))
    policies = _sift(resources.policies, lambda policy: memo(_named("judged", policy), _judge, policy, None))
    broken = {broken.ref: rejected(broken.ref, "Invalid", broken.problems) for broken in resources.broken}
    refused = {**broken, **backends.rejected, **policies.rejected}

    claims = memo(
        "claims", settle_virtual_names, tuple(each for sound in policies.sound for each in sound.claims), installation
    )
    targets = Targets(resources, installation)
    usable = list(_backends(backends, claims, targets, memo))
    unusable = frozenset(_key(ref) for ref in refused if ref.kind == "ModelBackend")
    directory = directory_of((backend for backend, _ in usable), unusable, targets.grants)
    ruling = list(_policies(policies, claims, memo("directory", _itself, directory), memo))

    snapshot = seal([backend for backend, _ in usable], [policy for policy, _ in ruling if policy.virtual_models], memo)
    verdicts = [*refused.values(), *(verdict for _, verdict in usable), *(verdict for _, verdict in ruling)]
    return Compilation(snapshot, tuple(sorted(verdicts, key=lambda verdict: str(verdict.ref))))


class _Sound(msgspec.Struct, Generic[_Resource], frozen=True):
    """A valid resource and the warnings on it."""

    ref: Ref
    key: str
    resource: _Resource
    remarks: list[Finding]
    claims: tuple[Claimant, ...] = ()
    """What a policy asks for of the names that all share."""


class _Sifted(msgspec.Struct, Generic[_Resource], frozen=True):
    """Valid resources, and the verdicts on the others."""

    sound: list[_Sound[_Resource]]
    rejected: Mapping[Ref, Verdict]


def _sift(
    resources: Iterable[_Resource], judge: Callable[[_Resource], _Sound[_Resource] | Verdict]
) -> _Sifted[_Resource]:
    """Parts the objects that can be used from those that cannot."""
    sound: list[_Sound[_Resource]] = []
    rejections: dict[Ref, Verdict] = {}
    for resource in resources:
        judged = judge(resource)
        if isinstance(judged, Verdict):
            rejections[judged.ref] = judged
        else:
            sound.append(judged)
    return _Sifted(sound, rejections)


def _judge(resource: _Resource, installation: Installation | None) -> _Sound[_Resource] | Verdict:
    """Whether an object can be used; the installation matters to backends only."""
    meta = resource.metadata
    ref = Ref(kind=resource.kind, namespace=meta.namespace, name=meta.name)
    remarks = list(validate(resource))
    if isinstance(resource, ModelBackend) and installation is not None:
        remarks += check_address(resource, installation)
    problems = [finding.of(ref) for finding in remarks]
    if is_valid(problems):
        claims = (claimant(resource),) if isinstance(resource, RoutingPolicy) else ()
        return _Sound(ref, _key(ref), resource, remarks, claims)
    reasons = {finding.reason or "Invalid" for finding in remarks if finding.severity == "error"}
    return rejected(ref, "Invalid" if "Invalid" in reasons else min(reasons), problems)


def _backends(
    backends: _Sifted[ModelBackend], claims: Mapping[str, Claims], targets: Targets, memo: Memo
) -> Iterator[tuple[Backend, Verdict]]:
    """The compiled backends, with the names and targets that they may have."""
    virtual = frozenset(name for claim in claims.values() for name in claim.names)
    named = memo("named", _named_backends, tuple(sound.resource for sound in backends.sound), virtual)
    for sound in backends.sound:
        backend, lost = named[sound.key]
        yield memo(("usable", sound.key), _usable, sound, backend, lost, targets.of(backend), targets.checked)


def _named_backends(
    resources: tuple[ModelBackend, ...], virtual: frozenset[str]
) -> Mapping[str, tuple[Backend, tuple[Finding, ...]]]:
    """The backends as they are compiled, with the names that they keep."""
    compiled = {f"{each.metadata.namespace}/{each.metadata.name}": compile_backend(each) for each in resources}
    return settle_backend_names(resources, compiled, virtual)


def _usable(
    sound: _Sound[ModelBackend], backend: Backend, lost: tuple[Finding, ...], target: Target, checked: bool
) -> tuple[Backend, Verdict]:
    settled, unresolved = settle(backend, target, checked)
    return settled, on_backend(sound.ref, [*sound.remarks, *lost], unresolved)


def _policies(
    policies: _Sifted[RoutingPolicy], claims: Mapping[str, Claims], directory: Directory, memo: Memo
) -> Iterator[tuple[Policy, Verdict]]:
    """The compiled policies, with the virtual names that they get."""
    for sound in policies.sound:
        yield memo(("ruling", sound.key), _ruling, sound, claims[sound.key], directory)


def _ruling(sound: _Sound[RoutingPolicy], claimed: Claims, directory: Directory) -> tuple[Policy, Verdict]:
    policy, findings = compile_policy(sound.resource, claimed.names, directory)
    return policy, on_policy(sound.ref, policy, claimed, sound.remarks, findings)


def _key(ref: Ref) -> str:
    return f"{ref.namespace}/{ref.name}"


def _named(step: str, resource: ModelBackend | RoutingPolicy) -> tuple[str, ...]:
    """How a memo calls a step of one object."""
    return (step, resource.kind, resource.metadata.namespace, resource.metadata.name)


def _itself(value: _Value) -> _Value:
    """Through a memo: the equal value of the run before, which is then found by identity."""
    return value
