"""Names that two objects want: who gets them is the same everywhere and in any order of the objects.

Virtual model names, aliases and retired names are cluster-wide. The object that was created first keeps a name; among
equals, and in files, the first by namespace and name.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from pointsman.core.installation import Installation
from pointsman.core.problems import Finding, warning
from pointsman.core.resources import ModelBackend, RoutingPolicy
from pointsman.core.snapshot import Backend


def seniority(resource: ModelBackend | RoutingPolicy) -> tuple[str, str, str]:
    """Sorts by age, then by namespace and name."""
    meta = resource.metadata
    return (meta.creation_timestamp, meta.namespace, meta.name)


class Claimant(msgspec.Struct, frozen=True, order=True):
    """What counts of a policy when names are given away; sorted by age, then by namespace and name."""

    created: str
    namespace: str
    name: str
    virtual_models: tuple[str, ...]

    @property
    def key(self) -> str:
        """Namespace and name."""
        return f"{self.namespace}/{self.name}"


def claimant(policy: RoutingPolicy) -> Claimant:
    """The part of a policy that claims names."""
    return Claimant(*seniority(policy), policy.spec.virtual_models)


class Claims(msgspec.Struct, frozen=True):
    """The virtual names that one policy gets, and what is said of the others."""

    names: tuple[str, ...]
    findings: tuple[Finding, ...]
    """Each with the reason Conflicted or NotPermitted."""


def settle_virtual_names(policies: Iterable[Claimant], installation: Installation) -> Mapping[str, Claims]:
    """Who answers to which virtual model name, by policy key."""
    owners: dict[str, str] = {}
    settled = {}
    for policy in sorted(policies):
        names, findings = [], []
        for index, name in enumerate(policy.virtual_models):
            lost = _why_lost(policy, name, f"spec.virtualModels[{index}]", owners, installation)
            if lost is None:
                names.append(name)
            else:
                findings.append(lost)
        settled[policy.key] = Claims(tuple(names), tuple(findings))
    return settled


def _key(resource: ModelBackend | RoutingPolicy) -> str:
    return f"{resource.metadata.namespace}/{resource.metadata.name}"


def _why_lost(
    policy: Claimant, name: str, field: str, owners: dict[str, str], installation: Installation
) -> Finding | None:
    """Why a policy does not get a virtual name; else it is entered as the owner."""
    namespace = policy.namespace
    if not installation.may_claim(namespace, name):
        problem = f'namespace {namespace} may not claim "{name}"'
        return Finding(field, problem, "Choose another name, or ask the platform team", reason="NotPermitted")
    owner = owners.setdefault(name, policy.key)
    if owner == policy.key:
        return None
    problem = f'"{name}" is claimed by RoutingPolicy {owner}, which is older or comes first'
    return Finding(field, problem, "Choose another name, or remove it from the other policy", reason="Conflicted")


_LOST = "NameLost"
_FIX = "Choose another name, or remove it there"


def settle_backend_names(
    resources: Iterable[ModelBackend], compiled: Mapping[str, Backend], virtual: frozenset[str]
) -> Mapping[str, tuple[Backend, tuple[Finding, ...]]]:
    """Backends with the aliases and retired names that they keep, and what is said of the others."""
    real = _real_names(compiled)
    owners: dict[str, str] = {}
    settled = {}
    for resource in sorted(resources, key=seniority):
        backend = compiled[_key(resource)]
        findings = list(_findings(backend, real, owners, virtual))
        lost = {finding.field for finding in findings if finding.reason == _LOST}
        kept = msgspec.structs.replace(
            backend,
            aliases=tuple(name for at, name in enumerate(backend.aliases) if f"spec.aliases[{at}]" not in lost),
            replaces=tuple(old for at, old in enumerate(backend.replaces) if f"spec.replaces[{at}].name" not in lost),
        )
        settled[backend.key] = (kept, tuple(findings))
    return settled


def _real_names(compiled: Mapping[str, Backend]) -> Mapping[str, frozenset[str]]:
    """Keys of the backends that are called so, with and without their namespace."""
    real: dict[str, set[str]] = {}
    for key, backend in compiled.items():
        real.setdefault(backend.name, set()).add(key)
        real.setdefault(key, set()).add(key)
    return {name: frozenset(keys) for name, keys in real.items()}


def _findings(
    backend: Backend, real: Mapping[str, frozenset[str]], owners: dict[str, str], virtual: frozenset[str]
) -> Iterator[Finding]:
    """What is said of the names of one backend; `owners` fills up on the way."""
    first = min(real[backend.name])
    if first != backend.key:
        problem = f'clients that ask for "{backend.name}" reach {first}, which comes first'
        yield warning("metadata.name", problem, f'Ask for "{backend.key}", or rename one')
    for field, name, retired in _claimed(backend):
        others = real.get(name, frozenset()) - {backend.key}
        if retired:  # a backend may take over from another of its own namespace, which is what `replaces` is for
            others = frozenset(key for key in others if not key.startswith(f"{backend.namespace}/"))
        if others:
            yield warning(field, f'"{name}" is not used: it is the name of ModelBackend {min(others)}', _FIX, _LOST)
        elif owners.setdefault(name, backend.key) != backend.key:
            problem = f'"{name}" is not used: ModelBackend {owners[name]}, which is older or comes first, claims it'
            yield warning(field, problem, _FIX, _LOST)
        elif name in virtual:  # it stays, and counts again once the virtual model is gone
            yield warning(field, f'"{name}" reaches the virtual model of this name, which comes first', _FIX)


def _claimed(backend: Backend) -> Iterator[tuple[str, str, bool]]:
    """Field and name of every alias and retired name, and whether it is a retired one."""
    for at, alias in enumerate(backend.aliases):
        yield f"spec.aliases[{at}]", alias, False
    for at, old in enumerate(backend.replaces):
        yield f"spec.replaces[{at}].name", old.name, True
