"""A folder of Kubernetes YAML as the source: read whole, compiled whole, and watched by looking again.

What the API server does in a cluster, this does for a folder: a changed object that is wrong by its own fault does not
replace the one before it. Only when a file cannot be read at all does the whole previous state stay, since objects may
be missing.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from pointsman.core.compile import Compilation, Installation, compile_snapshot
from pointsman.core.credentials import resolve_credentials
from pointsman.core.endpoints import resolve_endpoints
from pointsman.core.errors import ConfigError
from pointsman.core.parse import Parsed, Resources, parse
from pointsman.core.resources import ModelBackend, RoutingPolicy
from pointsman.core.resources.common import Ref
from pointsman.core.snapshot import Snapshot
from pointsman.runtime.files import object_files
from router_svc.source.loaded import Loaded

_Ours = ModelBackend | RoutingPolicy

_OWN_FAULT = frozenset({"Invalid", "AddressRefused"})
"""Reasons of a verdict that lie in the object alone. A lost name or a missing reference lies in others too."""


class Folder:
    """Reads a folder; remembers the last good version of every object."""

    def __init__(self, path: Path, installation: Installation) -> None:
        self.path = path
        self._installation = installation
        self._good: Mapping[Ref, _Ours] = {}
        self._seen = b""
        self._unreadable = ""

    def load(self) -> Loaded | None:
        """Read the folder; None if nothing changed since the last call. A folder with nothing usable has no version.

        Raises ConfigError as long as the folder or one of its files is unreadable: keep what was loaded before.
        """
        texts = self._texts()
        seen = hashlib.sha256(msgspec.json.encode(sorted(texts.items()))).digest()
        loaded: Loaded | None = None
        if seen != self._seen:
            parsed = parse(texts)
            self._unreadable = "; ".join(str(problem) for problem in parsed.problems if problem.unreadable)
            loaded = None if self._unreadable else self._loaded(parsed)
            self._seen = seen  # last: what raised above is tried again
        if self._unreadable:
            raise ConfigError(self._unreadable)
        return loaded

    def _texts(self) -> dict[str, str]:
        if not self.path.is_dir():
            raise ConfigError(f"{self.path}: is not a folder; give one that holds Kubernetes YAML")
        try:
            return {str(file): file.read_text(encoding="utf-8") for file in object_files(self.path)}
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self.path}: {error}") from error

    def _loaded(self, parsed: Parsed) -> Loaded:
        resources, compilation = self._compile(parsed.resources)
        snapshot = compilation.snapshot
        if not snapshot.policies and not snapshot.backends:
            snapshot = Snapshot(version="")  # nothing to answer by, as before the first look: not ready
        resolved = resolve_endpoints(snapshot.backends, resources.services, resources.slices, self._installation)
        endpoints = {key: each.endpoints for key, each in resolved.items()}
        found = [problem for verdict in compilation.verdicts for problem in verdict.problems]
        problems = tuple(sorted({*parsed.problems, *found}))
        return Loaded(
            snapshot, endpoints, resolve_credentials(snapshot, resources.secrets), problems, compilation.verdicts
        )

    def _compile(self, resources: Resources) -> tuple[Resources, Compilation]:
        """What is in force, and its compilation with the verdicts on what the folder says now."""
        compilation = compile_snapshot(resources, self._installation)
        faulty = {each.ref: each for each in compilation.verdicts if each.accepted.reason in _OWN_FAULT}
        kept = {ref: self._good[ref] for ref in faulty if ref in self._good}
        if kept:
            resources = _restored(resources, kept)
            compilation = compile_snapshot(resources, self._installation)
            verdicts = tuple(faulty.get(each.ref, each) for each in compilation.verdicts)
            compilation = Compilation(compilation.snapshot, verdicts)
        given: list[_Ours] = [*resources.backends, *resources.policies]
        self._good = {_ref(each): each for each in given if _ref(each) in kept or _ref(each) not in faulty}
        return resources, compilation


def _restored(resources: Resources, kept: Mapping[Ref, _Ours]) -> Resources:
    """The resources, with the version kept of these objects instead of the new one."""
    backends = (each for each in resources.backends if _ref(each) not in kept)
    policies = (each for each in resources.policies if _ref(each) not in kept)
    return msgspec.structs.replace(
        resources,
        backends=(*backends, *(each for each in kept.values() if isinstance(each, ModelBackend))),
        policies=(*policies, *(each for each in kept.values() if isinstance(each, RoutingPolicy))),
        broken=tuple(each for each in resources.broken if each.ref not in kept),
    )


def _ref(resource: _Ours) -> Ref:
    return Ref(kind=resource.kind, namespace=resource.metadata.namespace, name=resource.metadata.name)
