"""The steps of a compilation, in their order."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

import msgspec

from pointsman.core.canonical import seal
from pointsman.core.compile.backends import compile_backend
from pointsman.core.compile.names import Claims, settle_backend_names, settle_virtual_names
from pointsman.core.compile.policies import compile_policy
from pointsman.core.compile.refs import Directory
from pointsman.core.compile.targets import Targets, check_address
from pointsman.core.compile.verdicts import Verdict, on_backend, on_policy, rejected
from pointsman.core.installation import Installation
from pointsman.core.inventory import Resources
from pointsman.core.problems import Finding, is_valid
from pointsman.core.resources import ModelBackend, RoutingPolicy
from pointsman.core.resources.common import Ref
from pointsman.core.snapshot import Backend, Policy, Snapshot
from pointsman.core.validate import validate

_CLOSED = Installation()
_Resource = TypeVar("_Resource", ModelBackend, RoutingPolicy)


class Compilation(msgspec.Struct, frozen=True):
    """A snapshot, and a verdict on every ModelBackend and RoutingPolicy, sorted by kind, namespace and name."""

    snapshot: Snapshot
    verdicts: tuple[Verdict, ...]


def compile_snapshot(resources: Resources, installation: Installation = _CLOSED) -> Compilation:
    """Compiles everything; raises on nothing that `parse` gives."""
    backends = _sift(resources.backends, lambda backend: [*validate(backend), *check_address(backend, installation)])
    policies = _sift(resources.policies, lambda policy: list(validate(policy)))
    broken = {broken.ref: rejected(broken.ref, "Invalid", broken.problems) for broken in resources.broken}
    refused = {**broken, **backends.rejected, **policies.rejected}

    claims = settle_virtual_names((sound.resource for sound in policies.sound), installation)
    targets = Targets(resources, installation)
    usable = list(_backends(backends, claims, targets))
    directory = Directory(
        backends={backend.key: backend for backend, _ in usable},
        unusable=frozenset(_key(ref) for ref in refused if ref.kind == "ModelBackend"),
        grants=targets.grants,
    )
    ruling = list(_policies(policies, claims, directory))

    snapshot = seal(list(directory.backends.values()), [policy for policy, _ in ruling if policy.virtual_models])
    verdicts = [*refused.values(), *(verdict for _, verdict in usable), *(verdict for _, verdict in ruling)]
    return Compilation(snapshot, tuple(sorted(verdicts, key=lambda verdict: str(verdict.ref))))


class _Sound(msgspec.Struct, Generic[_Resource], frozen=True):
    """A valid resource and the warnings on it."""

    ref: Ref
    resource: _Resource
    remarks: list[Finding]


class _Sifted(msgspec.Struct, Generic[_Resource], frozen=True):
    """Valid resources, and the verdicts on the others."""

    sound: list[_Sound[_Resource]]
    rejected: Mapping[Ref, Verdict]


def _sift(resources: Iterable[_Resource], check: Callable[[_Resource], list[Finding]]) -> _Sifted[_Resource]:
    """Parts the objects that can be used from those that cannot."""
    sound: list[_Sound[_Resource]] = []
    rejections: dict[Ref, Verdict] = {}
    for resource in resources:
        meta = resource.metadata
        ref = Ref(kind=resource.kind, namespace=meta.namespace, name=meta.name)
        remarks = check(resource)
        problems = [finding.of(ref) for finding in remarks]
        if is_valid(problems):
            sound.append(_Sound(ref, resource, remarks))
        else:
            reasons = {finding.reason or "Invalid" for finding in remarks if finding.severity == "error"}
            rejections[ref] = rejected(ref, "Invalid" if "Invalid" in reasons else min(reasons), problems)
    return _Sifted(sound, rejections)


def _key(ref: Ref) -> str:
    return f"{ref.namespace}/{ref.name}"


def _backends(
    backends: _Sifted[ModelBackend], claims: Mapping[str, Claims], targets: Targets
) -> Iterator[tuple[Backend, Verdict]]:
    """The compiled backends, with the names and targets that they may have."""
    virtual = frozenset(name for claim in claims.values() for name in claim.names)
    compiled = {_key(sound.ref): compile_backend(sound.resource) for sound in backends.sound}
    named = settle_backend_names((sound.resource for sound in backends.sound), compiled, virtual)
    for sound in backends.sound:
        backend, lost = named[_key(sound.ref)]
        settled, unresolved = targets.settle(backend)
        yield settled, on_backend(sound.ref, [*sound.remarks, *lost], unresolved)


def _policies(
    policies: _Sifted[RoutingPolicy], claims: Mapping[str, Claims], directory: Directory
) -> Iterator[tuple[Policy, Verdict]]:
    """The compiled policies, with the virtual names that they get."""
    for sound in policies.sound:
        claimed = claims[_key(sound.ref)]
        policy, findings = compile_policy(sound.resource, claimed.names, directory)
        yield policy, on_policy(sound.ref, policy, claimed, sound.remarks, findings)
