"""YAML text to typed resources, and everything that is wrong with it at once.

    parse(files)          texts by path: for `serve DIR` and `lint`
    parse_objects(bodies) plain mappings, as the API server gives them: for the operator

Nothing here raises on any input: what cannot be used becomes a Problem, and a broken object is kept as `Broken`, so
that it gets a verdict and whoever refers to it learns why it is missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel

from pointsman.core import yamltext
from pointsman.core.inventory import Broken, Parsed, Resources
from pointsman.core.kinds import Kind, is_list, items_of, kind_of
from pointsman.core.problems import Finding, Problem, is_valid, path
from pointsman.core.resources import ModelBackend, RoutingPolicy
from pointsman.core.resources.common import Ref
from pointsman.core.resources.kubernetes import EndpointSlice, ReferenceGrant, Secret, Service
from pointsman.core.typed import ref_of, typed_object

__all__ = ["Broken", "Parsed", "Resources", "parse", "parse_objects", "parse_text"]

_T = TypeVar("_T", bound=BaseModel)


def parse(files: Mapping[str, str]) -> Parsed:
    """All objects of all files. An object given twice counts as the first one, by path and position."""
    collected = _Collected()
    for file in sorted(files):
        try:
            for document in yamltext.read(files[file]):
                collected.document(document, file)
        except yamltext.Unreadable as error:
            collected.problems.append(Problem(file, "", "", str(error), error.fix))
    return collected.parsed()


def parse_text(text: str, file: str = "") -> Parsed:
    """All objects of one text."""
    return parse({file: text})


def parse_objects(bodies: Iterable[Mapping[str, Any]]) -> Parsed:
    """Objects as the API server gives them."""
    collected = _Collected()
    for body in bodies:
        collected.object(body, "", "an object")
    return collected.parsed()


class _Collected:
    """Fills up while documents are read; thrown away afterwards."""

    def __init__(self) -> None:
        self.objects: dict[Ref, BaseModel] = {}
        self.broken: dict[Ref, Broken] = {}
        self.problems: list[Problem] = []
        self.files: dict[str, str] = {}

    def document(self, document: yamltext.Document, file: str) -> None:
        """Takes one document, which may be empty or a List of objects."""
        doubled = [
            Finding(path(*at), f"is given twice, again on line {line}", "Keep one of them")
            for at, line in document.duplicates
        ]
        if document.value is not None:
            self.object(document.value, file, f"the document on line {document.line}", doubled)

    def object(self, body: Any, file: str, name: str, doubled: Sequence[Finding] = ()) -> None:
        """Takes one object, or a List of them; `name` tells which when it does not name itself."""
        for index, item in enumerate(items_of(body)):
            within = f"items[{index}]."
            inner = [each for each in doubled if each.field.startswith(within)]
            inner = [msgspec.structs.replace(each, field=each.field.removeprefix(within)) for each in inner]
            self.object(item, file, f"items[{index}] of {name}", inner)
        if is_list(body):
            return
        known, wrong = kind_of(body, file, name)
        if wrong is not None:
            self.problems.append(wrong)
        if known is not None:
            self._known(known, body, file, name, [] if wrong is None else [wrong], doubled)

    def _known(
        self,
        kind: Kind,
        body: Mapping[str, Any],
        file: str,
        name: str,
        wrong: list[Problem],
        doubled: Sequence[Finding],
    ) -> None:
        """Takes one object of a known kind."""
        ref = ref_of(kind, body)
        label = str(ref) if ref else f"{kind.name} ({name})"
        if label in self.files:
            problem = f"is defined twice, first in {self.files[label] or 'the same place'}"
            self.problems.append(Problem(file, label, "", problem, "Keep one of them"))
            return
        typed, found = typed_object(kind, body)
        problems = [finding.of(label, file) for finding in (*doubled, *found) if finding.field != "apiVersion"]
        self.problems += problems
        if ref is None:
            return
        self.files[label] = file
        if typed is not None and is_valid([*wrong, *problems]):
            self.objects[ref] = typed
        elif kind.ours:
            self.broken[ref] = Broken(ref, (*wrong, *problems))

    def parsed(self) -> Parsed:
        """What was collected."""

        def every(model: type[_T]) -> tuple[_T, ...]:
            return tuple(value for value in self.objects.values() if isinstance(value, model))

        resources = Resources(
            backends=every(ModelBackend),
            policies=every(RoutingPolicy),
            secrets=every(Secret),
            slices=every(EndpointSlice),
            services=every(Service),
            grants=every(ReferenceGrant),
            broken=tuple(self.broken.values()),
        )
        return Parsed(resources, tuple(self.problems), self.files)
