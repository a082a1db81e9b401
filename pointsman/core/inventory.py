"""What was read: typed resources, broken objects, and problems."""

from collections.abc import Mapping

import msgspec

from pointsman.core.problems import Problem
from pointsman.core.resources import ModelBackend, RoutingPolicy
from pointsman.core.resources.common import Ref
from pointsman.core.resources.kubernetes import EndpointSlice, ReferenceGrant, Secret, Service


class Broken(msgspec.Struct, frozen=True):
    """An object that cannot be used, and why."""

    ref: Ref
    problems: tuple[Problem, ...]


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """Typed objects, each named once; the order never matters."""

    backends: tuple[ModelBackend, ...] = ()
    policies: tuple[RoutingPolicy, ...] = ()
    secrets: tuple[Secret, ...] = ()
    slices: tuple[EndpointSlice, ...] = ()
    services: tuple[Service, ...] = ()
    grants: tuple[ReferenceGrant, ...] = ()
    broken: tuple[Broken, ...] = ()
    """Backends and policies that cannot be used."""


class Parsed(msgspec.Struct, frozen=True):
    """The resources, the problems, and the file of every object by its name ("RoutingPolicy ai/assistant")."""

    resources: Resources
    problems: tuple[Problem, ...] = ()
    files: Mapping[str, str] = {}

    @property
    def unreadable(self) -> bool:
        """Whether a file could not be read to its end: whoever has a previous state should keep it."""
        return any(problem.unreadable for problem in self.problems)
