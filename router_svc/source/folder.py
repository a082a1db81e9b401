"""A folder of Kubernetes YAML as the source: read whole, compiled whole, and watched by looking again.

What the API server does in a cluster, this does for a folder: a changed object that is wrong does not replace the one
before it. Only when a file cannot be read at all does the whole previous state stay, since objects may be missing.
"""

import hashlib
from pathlib import Path

import msgspec

from pointsman.core.compile import Installation, compile_snapshot
from pointsman.core.endpoints import resolve_endpoints
from pointsman.core.errors import ConfigError
from pointsman.core.parse import Parsed, Resources, parse
from pointsman.core.resources import ModelBackend, RoutingPolicy
from pointsman.core.resources.common import Ref
from pointsman.core.snapshot import SecretKey, Snapshot
from router_svc.source.loaded import Loaded

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})


class Folder:
    """Reads a folder; remembers the last good version of every object."""

    def __init__(self, path: Path, installation: Installation) -> None:
        self._path = path
        self._installation = installation
        self._good = Resources()
        self._seen = b""

    def load(self) -> Loaded | None:
        """Read the folder; None if nothing changed since the last call.

        Raises ConfigError when the folder or one of its files is unreadable: keep what was loaded before.
        """
        texts = self._texts()
        seen = hashlib.sha256(msgspec.json.encode(sorted(texts.items()))).digest()
        if seen == self._seen:
            return None
        self._seen = seen
        parsed = parse(texts)
        if parsed.unreadable:
            raise ConfigError("; ".join(str(problem) for problem in parsed.problems if problem.unreadable))
        self._good = _with_last_good(parsed, self._good)
        return self._loaded(parsed)

    def _texts(self) -> dict[str, str]:
        if not self._path.is_dir():
            raise ConfigError(f"{self._path}: is not a folder; give one that holds Kubernetes YAML")
        files = (file for file in sorted(self._path.rglob("*")) if file.suffix in _SUFFIXES and file.is_file())
        try:
            return {str(file): file.read_text(encoding="utf-8") for file in files}
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self._path}: {error}") from error

    def _loaded(self, parsed: Parsed) -> Loaded:
        compilation = compile_snapshot(self._good, self._installation)
        snapshot = compilation.snapshot
        resolved = resolve_endpoints(snapshot.backends, self._good.services, self._good.slices, self._installation)
        endpoints = {key: each.endpoints for key, each in resolved.items()}
        found = [problem for verdict in compilation.verdicts for problem in verdict.problems]
        problems = tuple(sorted({*parsed.problems, *found}))
        return Loaded(snapshot, endpoints, _credentials(snapshot, self._good), problems, compilation.verdicts)


def _with_last_good(parsed: Parsed, before: Resources) -> Resources:
    """The new resources; an object that is broken now stays as it was before."""
    broken = {each.ref for each in parsed.resources.broken}
    backends = tuple(each for each in before.backends if _ref(each) in broken)
    policies = tuple(each for each in before.policies if _ref(each) in broken)
    kept = {_ref(each) for each in backends} | {_ref(each) for each in policies}
    return msgspec.structs.replace(
        parsed.resources,
        backends=(*parsed.resources.backends, *backends),
        policies=(*parsed.resources.policies, *policies),
        broken=tuple(each for each in parsed.resources.broken if each.ref not in kept),
    )


def _ref(resource: ModelBackend | RoutingPolicy) -> Ref:
    return Ref(kind=resource.kind, namespace=resource.metadata.namespace, name=resource.metadata.name)


def _credentials(snapshot: Snapshot, resources: Resources) -> dict[SecretKey, str]:
    """The bearer tokens that backends refer to and that the folder's Secrets hold."""
    secrets = {(each.metadata.namespace, each.metadata.name): each for each in resources.secrets}
    credentials = {}
    for backend in snapshot.backends.values():
        where = backend.credential
        secret = secrets.get((where.namespace, where.name)) if where is not None else None
        value = secret.value(where.key) if secret is not None and where is not None else None
        if where is not None and value is not None:
            credentials[where] = value
    return credentials
