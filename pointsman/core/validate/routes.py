"""Rules of a RoutingPolicy's routes and lists of backends."""

from collections.abc import Iterator

from pointsman.core.problems import Finding, warning
from pointsman.core.resources.common import BackendRef
from pointsman.core.resources.policy import Match, Route, RoutingPolicySpec
from pointsman.core.validate.common import given_once

Findings = Iterator[Finding]

RESERVED_ROUTES = frozenset({"default", "difficulty", "downgrade", "pinned"})
"""What plans, headers and metrics call lists of backends that are no route's."""


def reserved_names_stay_free(spec: RoutingPolicySpec) -> Findings:
    """A route that shares a built-in list's name could not be told from it in a trace."""
    for index, route in enumerate(spec.routes):
        if route.name in RESERVED_ROUTES:
            yield Finding(f"spec.routes[{index}].name", f'"{route.name}" is reserved', "Choose another name")


def routes_have_backends(spec: RoutingPolicySpec) -> Findings:
    """A route prefers someone."""
    for index, route in enumerate(spec.routes):
        if not route.backends and route.backend_selector is None:
            yield Finding(f"spec.routes[{index}]", "has neither backends nor backendSelector", "Give one of them")


def default_has_backends(spec: RoutingPolicySpec) -> Findings:
    """Somebody must answer what no route takes."""
    if not spec.default.backends and spec.default.backend_selector is None:
        yield Finding("spec.default", "has neither backends nor backendSelector", "Give one of them")


def routes_can_be_told_apart(spec: RoutingPolicySpec) -> Findings:
    """A route that neither describes nor matches anything would take every request."""
    for index, route in enumerate(spec.routes):
        described = any(text.strip() for text in (route.domain, route.action, route.description, *route.examples))
        if not described and route.match == Match():
            problem = "would take every request: it has no domain, action, description, examples or match"
            yield Finding(f"spec.routes[{index}]", problem, "Describe what belongs here, or use spec.default")


def _backend_lists(spec: RoutingPolicySpec) -> Iterator[tuple[str, tuple[BackendRef, ...]]]:
    """Every list of backends, with its path."""
    for index, route in enumerate(spec.routes):
        yield f"spec.routes[{index}].backends", route.backends
    yield "spec.default.backends", spec.default.backends
    for index, step in enumerate(spec.difficulty):
        yield f"spec.difficulty[{index}].backends", step.backends
    for index, quota in enumerate(spec.quotas):
        yield f"spec.quotas[{index}].onExhausted.backends", quota.on_exhausted.backends


def backends_listed_once(spec: RoutingPolicySpec) -> Findings:
    """A backend has one place in a list."""
    for field, refs in _backend_lists(spec):
        yield from given_once(field, (f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name for ref in refs))


def weights_cover_a_band(spec: RoutingPolicySpec) -> Findings:
    """With weights on some backends of a priority only, the others get no share; that is rarely meant."""
    for field, refs in _backend_lists(spec):
        weighted = {ref.priority for ref in refs if ref.weight is not None}
        for index, ref in enumerate(refs):
            if ref.weight is None and ref.priority in weighted:
                problem = f"has no weight, though others of priority {ref.priority} have one"
                yield warning(f"{field}[{index}]", problem, "Give every backend of the priority a weight")


def matches_say_things_once(spec: RoutingPolicySpec) -> Findings:
    """Lists that are sets."""
    for index, route in enumerate(spec.routes):
        field, match = f"spec.routes[{index}].match", route.match
        yield from given_once(f"{field}.languages", match.languages)
        yield from given_once(f"{field}.keywords", (keyword.lower() for keyword in match.keywords))
        yield from given_once(f"{field}.headers", (header.name.lower() for header in match.headers), ".name")
        for at, keyword in enumerate(match.keywords):
            if not keyword.strip():
                yield Finding(f"{field}.keywords[{at}]", "is blank", "Write a word or phrase, or remove it")


def headers_can_match(spec: RoutingPolicySpec) -> Findings:
    """Credentials are taken off a request before it is routed."""
    for index, route in enumerate(spec.routes):
        for at, header in enumerate(route.match.headers):
            if header.name.lower() in ("authorization", "cookie", "proxy-authorization", "x-api-key"):
                problem = f'"{header.name}" holds credentials, which are never routed by'
                yield Finding(f"spec.routes[{index}].match.headers[{at}].name", problem, "Match another header")


def examples_belong_to_one_route(spec: RoutingPolicySpec) -> Findings:
    """An example of two routes teaches the classifier nothing."""
    owners: dict[str, Route] = {}
    for index, route in enumerate(spec.routes):
        for at, example in enumerate(route.examples):
            other = owners.setdefault(example.strip().lower(), route)
            if other is not route:
                problem = f"is an example of route {other.name} already"
                yield warning(
                    f"spec.routes[{index}].examples[{at}]", problem, "Keep it in the route that it tells most of"
                )
