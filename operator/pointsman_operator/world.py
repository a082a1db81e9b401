"""Observed objects → everything that routers and people are told. Pure, but for what it remembers to be quick.

An object is parsed again only when its content changed; a policy or backend is compiled again only when something
changed that it depends on; the addresses of a backend are looked at again only when its Service or slices changed. So a
change costs about what it changes, however many policies there are.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from pointsman.core.compile import Compilation, Installation, compile_snapshot
from pointsman.core.credentials import resolve_credentials
from pointsman.core.endpoints import EndpointSet, resolve_endpoints
from pointsman.core.inventory import Parsed, Resources
from pointsman.core.keys import parse_keys
from pointsman.core.memo import Memo
from pointsman.core.parse import parse_objects
from pointsman.core.problems import Problem
from pointsman.core.resources.kubernetes import EndpointSlice
from pointsman.core.snapshot import SecretKey
from pointsman.core.wire import Wire, encode
from pointsman_operator.store import Observed
from pointsman_operator.watched import SECRET_LABEL

KEY_FILE = "keys.yaml"
NOBODY = "keys: []"


class World(msgspec.Struct, frozen=True):
    """What the observed objects mean."""

    observed: Mapping[str, Observed]
    """Pointsman's own objects, by reference ("RoutingPolicy ai/assistant")."""
    compilation: Compilation
    wire: Wire
    endpoints: Mapping[str, EndpointSet]
    """By backend key."""
    credentials: Mapping[SecretKey, str]
    keys: str | None = None
    """The client API keys, as a key file; None when this installation asks for none."""
    api_server: tuple[str, ...] = ()
    """Addresses and names of the API server, which no router may connect to; sorted."""
    key_problems: tuple[Problem, ...] = ()
    """Why the keys before, or none, are in force."""

    def __repr__(self) -> str:
        return f"World(version={self.wire.version!r})"


class KeysSecret(msgspec.Struct, frozen=True):
    """Names the Secret of client API keys; its key `keys.yaml` holds a key file."""

    namespace: str
    name: str


class Builder:
    """Builds worlds, one after the other; remembers what it parsed, compiled and resolved, to be quick and for nothing
    else."""

    def __init__(self, installation: Installation, keys: KeysSecret | None = None) -> None:
        """`keys` names the Secret of client API keys. When it is missing or wrong, no request is let in by it."""
        self._installation, self._keys_secret = installation, keys
        self._keys = NOBODY
        self._parsed: dict[str, Parsed] = {}
        self._steps, self._compiling, self._resolving = Memo(), Memo(), Memo()

    def build(self, objects: Sequence[Observed]) -> World:
        """The world of these objects."""
        self._steps.turn()
        resources = self._resources(objects)
        installation = _with_api_server(self._installation, resources.slices)
        compilation, wire = self._compile(resources, installation)
        snapshot = compilation.snapshot
        keys, key_problems = self._client_keys(resources)
        return World(
            observed={f"{each.key[0]} {each.key[1]}/{each.key[2]}": each for each in objects if _ours(each)},
            compilation=compilation,
            wire=wire,
            endpoints=resolve_endpoints(
                snapshot.backends, resources.services, resources.slices, installation, self._resolving
            ),
            credentials=resolve_credentials(snapshot, resources.secrets),
            keys=keys,
            key_problems=key_problems,
            api_server=installation.api_server,
        )

    def _client_keys(self, resources: Resources) -> tuple[str | None, tuple[Problem, ...]]:
        """The keys, or those before when they are wrong; a Secret that is gone lets nobody in."""
        where = self._keys_secret
        if where is None:
            return None, ()
        found = (each for each in resources.secrets if each.metadata.namespace == where.namespace)
        secret = next((each for each in found if each.metadata.name == where.name), None)
        text = secret.value(KEY_FILE) if secret is not None else None
        if text is None:
            self._keys = NOBODY
            lacks = f"has no {KEY_FILE}" if secret else f"is not there, or lacks the label {SECRET_LABEL}=true"
            name, fix = f"Secret {where.namespace}/{where.name}", "Until then nobody is let in"
            return NOBODY, (Problem("", name, "", lacks, fix),)
        problems = parse_keys(text, f"Secret {where.namespace}/{where.name}").problems
        if not any(problem.is_error for problem in problems):
            self._keys = text
        return self._keys, problems

    def _resources(self, objects: Sequence[Observed]) -> Resources:
        known = self._parsed
        self._parsed = {each.content: known.get(each.content) or parse_objects([each.body]) for each in objects}
        kinds: dict[str, list[Parsed]] = {}
        for each, parsed in zip(objects, self._parsed.values(), strict=True):
            kinds.setdefault(each.key[0], []).append(parsed)
        return merge(self._steps(("resources", kind), _of_kind, tuple(found)) for kind, found in kinds.items())

    def _compile(self, resources: Resources, installation: Installation) -> tuple[Compilation, Wire]:
        """The last compilation, if nothing changed that it depends on: of slices, only which Services have some."""
        served = frozenset((each.metadata.namespace, each.service) for each in resources.slices)

        def compile_all(*_: object) -> tuple[Compilation, Wire]:
            compilation = compile_snapshot(resources, installation, self._compiling)
            return compilation, encode(compilation.snapshot, self._compiling)

        others = (resources.backends, resources.policies, resources.services, resources.secrets, resources.grants)
        return self._steps("compilation", compile_all, *others, resources.broken, served, installation)


def _of_kind(parsed: tuple[Parsed, ...]) -> Resources:
    return merge(each.resources for each in parsed)


def merge(parts: Iterable[Resources]) -> Resources:
    """All of these as one. What only one of them has stays the very same value."""
    given = list(parts)
    fields: dict[str, tuple[Any, ...]] = {}
    for name in Resources.__struct_fields__:
        some = [values for part in given if (values := getattr(part, name))]
        fields[name] = some[0] if len(some) == 1 else tuple(value for values in some for value in values)
    return Resources(**fields)


def _ours(observed: Observed) -> bool:
    return observed.key[0] in ("ModelBackend", "RoutingPolicy")


def _with_api_server(installation: Installation, slices: Iterable[EndpointSlice]) -> Installation:
    """The API server publishes its own addresses as endpoints: nobody may route there."""
    own = {
        address
        for each in slices
        if each.metadata.namespace == "default" and each.service == "kubernetes"
        for endpoint in each.endpoints
        for address in endpoint.addresses
    }
    return msgspec.structs.replace(installation, api_server=tuple(sorted({*installation.api_server, *own})))
