"""RoutingPolicy → Policy: references resolved, durations in seconds, percents as fractions, money in picos."""

import msgspec

from pointsman.core.compile.refs import Directory, Resolved, outside_selector, resolve_list, resolve_selector
from pointsman.core.compile.rules import (
    compile_classifier,
    compile_fallback,
    compile_match,
    compile_mode,
    compile_objective,
    compile_overrides,
    compile_quota,
    compile_session,
    effort_of,
)
from pointsman.core.problems import Finding, warning
from pointsman.core.resources import RoutingPolicy, RoutingPolicySpec
from pointsman.core.resources import policy as resources
from pointsman.core.resources.common import BackendRef
from pointsman.core.snapshot import DifficultyStep, Policy, Quota, Route


def compile_policy(
    resource: RoutingPolicy, names: tuple[str, ...], directory: Directory
) -> tuple[Policy, tuple[Finding, ...]]:
    """The compiled form of a valid object, with these virtual names; what does not resolve is left out and found."""
    meta, spec = resource.metadata, resource.spec
    lists = _Lists(meta.namespace, directory)
    policy = Policy(
        namespace=meta.namespace,
        name=meta.name,
        created=meta.creation_timestamp,
        virtual_models=names,
        routes=tuple(_route(route, f"spec.routes[{index}]", lists) for index, route in enumerate(spec.routes)),
        default=_default(spec.default, lists),
        modes=tuple(map(compile_mode, spec.modes)),
        difficulty=_difficulty(spec, lists),
        objective=compile_objective(spec.objective),
        overrides=compile_overrides(spec.overrides),
        session=compile_session(spec.session),
        quotas=tuple(_quota(quota, f"spec.quotas[{index}]", lists) for index, quota in enumerate(spec.quotas)),
        fallback=compile_fallback(spec.fallback),
        classifier=compile_classifier(spec.classifier),
    )
    if not policy.backend_keys():
        problem = f"RoutingPolicy {policy.key}: nothing that it refers to can be used: {lists.findings[0].problem}"
        policy = msgspec.structs.replace(policy, problem=problem)
    return policy, tuple(lists.findings)


class _Lists:
    """Resolves the lists of one policy and keeps what is found on the way."""

    def __init__(self, home: str, directory: Directory) -> None:
        self.home, self.directory = home, directory
        self.findings: list[Finding] = []

    def backends(self, refs: tuple[BackendRef, ...], field: str) -> Resolved:
        resolved = resolve_list(refs, field, self.home, self.directory)
        self.findings += resolved.findings
        return resolved

    def preferred(self, part: resources.Route | resources.Default, field: str) -> Resolved:
        """The list of a route, or what its selector selects when there is no list."""
        selector = part.backend_selector
        if selector is not None and not part.backends:
            resolved = resolve_selector(selector, f"{field}.backendSelector", self.home, self.directory)
            self.findings += resolved.findings
            return resolved
        resolved = self.backends(part.backends, f"{field}.backends")
        if selector is not None:
            for key in outside_selector(resolved.preferences, selector.match_labels, self.directory):
                problem = f"ModelBackend {key} does not carry these labels and so never answers"
                self.findings.append(warning(f"{field}.backendSelector", problem, "Label it, or take it off the list"))
        return resolved


def _route(route: resources.Route, field: str, lists: _Lists) -> Route:
    return Route(
        name=route.name,
        domain=route.domain.strip(),
        action=route.action.strip(),
        description=route.description.strip(),
        examples=route.examples,
        match=compile_match(route.match),
        selector=dict(route.backend_selector.match_labels) if route.backend_selector else {},
        backends=lists.preferred(route, field).preferences,
        effort=effort_of(route.reasoning),
    )


def _default(default: resources.Default, lists: _Lists) -> Route:
    return Route(
        name="default",
        selector=dict(default.backend_selector.match_labels) if default.backend_selector else {},
        backends=lists.preferred(default, "spec.default").preferences,
        effort=effort_of(default.reasoning),
    )


def _difficulty(spec: RoutingPolicySpec, lists: _Lists) -> tuple[DifficultyStep, ...]:
    steps = [
        DifficultyStep(
            at_least=step.at_least_percent / 100,
            backends=lists.backends(step.backends, f"spec.difficulty[{index}].backends").preferences,
            effort=effort_of(step.reasoning),
        )
        for index, step in enumerate(spec.difficulty)
    ]
    return tuple(sorted(steps, key=lambda step: step.at_least, reverse=True))


def _quota(quota: resources.Quota, field: str, lists: _Lists) -> Quota:
    return compile_quota(
        quota, lists.backends(quota.on_exhausted.backends, f"{field}.onExhausted.backends").preferences
    )
