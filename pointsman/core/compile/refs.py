"""References: who is meant, whether it exists, and whether another namespace may refer to it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from pointsman.core.mistakes import close
from pointsman.core.problems import Finding
from pointsman.core.resources import GROUP
from pointsman.core.resources.common import BackendRef, LabelSelector
from pointsman.core.resources.kubernetes import ReferenceGrant
from pointsman.core.snapshot import Backend, Preference

NOT_FOUND, NOT_PERMITTED = "RefNotFound", "RefNotPermitted"
"""Reasons of ResolvedRefs."""


class Grants(msgspec.Struct, frozen=True):
    """The ReferenceGrants of all namespaces, ready to be asked."""

    allowed: frozenset[tuple[str, ...]]
    """Kind and namespace of who may refer; group, kind, namespace and name (empty for all) of what."""

    def allow(self, kind: str, home: str, group: str, to_kind: str, namespace: str, name: str) -> bool:
        """Whether objects of one of our kinds in namespace `home` may refer to an object."""
        asked = (kind, home, group, to_kind, namespace)
        return home == namespace or (*asked, name) in self.allowed or (*asked, "") in self.allowed


def grants_of(grants: Iterable[ReferenceGrant]) -> Grants:
    """What all of these allow."""
    return Grants(
        frozenset(
            (source.kind, source.namespace, to.group, to.kind, grant.metadata.namespace, to.name)
            for grant in grants
            for source in grant.spec.from_
            if source.group == GROUP
            for to in grant.spec.to
        )
    )


Labels = Mapping[str, str]


class Directory(msgspec.Struct, frozen=True):
    """Whom a policy can refer to: all that its compilation may know of backends, so that a change of anything else,
    such as a price, compiles no policy again."""

    namespaces: Mapping[str, Mapping[str, Labels]]
    """Labels of the accepted backends, by namespace and name; names sorted."""
    unusable: frozenset[str]
    """Keys of those that exist but are not accepted."""
    grants: Grants

    def labels(self, namespace: str, name: str) -> Labels | None:
        """Labels of an accepted backend; None when there is none of this name."""
        return self.namespaces.get(namespace, {}).get(name)


def directory_of(backends: Iterable[Backend], unusable: frozenset[str], grants: Grants) -> Directory:
    """The directory of these accepted backends."""
    namespaces: dict[str, dict[str, Labels]] = {}
    for backend in sorted(backends, key=lambda backend: backend.key):
        namespaces.setdefault(backend.namespace, {})[backend.name] = backend.labels
    return Directory(namespaces, unusable, grants)


class Resolved(msgspec.Struct, frozen=True):
    """The references of one list that resolved, and what is wrong with the others."""

    preferences: tuple[Preference, ...] = ()
    findings: tuple[Finding, ...] = ()


def resolve_list(refs: Sequence[BackendRef], field: str, home: str, directory: Directory) -> Resolved:
    """The backends of one list of a policy in namespace `home`."""
    preferences, findings = [], []
    for index, ref in enumerate(refs):
        key = f"{ref.namespace or home}/{ref.name}"
        finding = _why_not(key, ref, f"{field}[{index}]", home, directory)
        if finding is None:
            preferences.append(Preference(backend=key, weight=ref.weight, priority=ref.priority))
        else:
            findings.append(finding)
    return Resolved(_once(preferences), tuple(findings))


def _once(preferences: Iterable[Preference]) -> tuple[Preference, ...]:
    """Each backend where it is first; a namespace written out may repeat one."""
    first: dict[str, Preference] = {}
    for preference in preferences:
        first.setdefault(preference.backend, preference)
    return tuple(first.values())


def _why_not(key: str, ref: BackendRef, field: str, home: str, directory: Directory) -> Finding | None:
    namespace = ref.namespace or home
    if not directory.grants.allow("RoutingPolicy", home, GROUP, "ModelBackend", namespace, ref.name):
        problem = f"namespace {namespace} does not allow references to its ModelBackends from here"
        return Finding(
            f"{field}.namespace", problem, f"Create a ReferenceGrant in namespace {namespace}", reason=NOT_PERMITTED
        )
    if directory.labels(namespace, ref.name) is not None:
        return None
    if key in directory.unusable:
        problem = f"ModelBackend {key} is not accepted"
        return Finding(f"{field}.name", problem, "Its own status says why", reason=NOT_FOUND)
    near = close(ref.name, list(directory.namespaces.get(namespace, ())))
    fix = f"Did you mean {near}?" if near else "Create it, or remove the reference"
    return Finding(f"{field}.name", f"there is no ModelBackend {key}", fix, reason=NOT_FOUND)


def resolve_selector(selector: LabelSelector, field: str, home: str, directory: Directory) -> Resolved:
    """All accepted backends of the namespace that carry the labels, preferred alike."""
    named = directory.namespaces.get(home, {})
    selected = [name for name, labels in named.items() if carries(labels, selector.match_labels)]
    if selected:
        return Resolved(tuple(Preference(backend=f"{home}/{name}") for name in selected))
    problem = f"no ModelBackend of namespace {home} carries these labels"
    return Resolved((), (Finding(field, problem, "Label one, or correct the selector", reason=NOT_FOUND),))


def carries(labels: Labels, wanted: Labels) -> bool:
    """Whether a backend's labels hold all that are wanted."""
    return wanted.items() <= labels.items()


def outside_selector(preferences: Iterable[Preference], wanted: Labels, directory: Directory) -> Iterator[str]:
    """Keys of listed backends that the selector, a hard constraint, keeps from ever answering."""
    for preference in preferences:
        namespace, _, name = preference.backend.partition("/")
        if not carries(directory.labels(namespace, name) or {}, wanted):
            yield preference.backend
