"""Rules of a RoutingPolicy, save for its routes, quotas and times."""

from collections.abc import Iterator

from pointsman.core import money
from pointsman.core.problems import Finding, warning
from pointsman.core.request import Effort
from pointsman.core.resources.policy import Objective, Override, RoutingPolicySpec
from pointsman.core.validate.common import given_once, repeated

Findings = Iterator[Finding]


def virtual_models_given_once(spec: RoutingPolicySpec) -> Findings:
    """A list that is a set."""
    yield from given_once("spec.virtualModels", spec.virtual_models)


def named_entries_given_once(spec: RoutingPolicySpec) -> Findings:
    """Routes, modes and quotas are told apart by their names."""
    yield from given_once("spec.routes", (route.name for route in spec.routes), ".name")
    yield from given_once("spec.modes", (mode.name for mode in spec.modes), ".name")
    yield from given_once("spec.quotas", (quota.name for quota in spec.quotas), ".name")


def phrases_mean_one_mode(spec: RoutingPolicySpec) -> Findings:
    """A phrase asks for exactly one mode."""
    owners: dict[str, str] = {}
    for index, mode in enumerate(spec.modes):
        for at, phrase in enumerate(mode.phrases):
            field, plain = f"spec.modes[{index}].phrases[{at}]", " ".join(phrase.lower().split())
            if not plain:
                yield Finding(field, "is blank", "Write a phrase, or remove it")
            elif plain in owners:
                yield Finding(field, f'"{phrase}" asks for mode {owners[plain]} already', "Keep it in one mode")
            owners.setdefault(plain, mode.name)


def modes_change_something(spec: RoutingPolicySpec) -> Findings:
    """A mode without effort and objective is only a name."""
    for index, mode in enumerate(spec.modes):
        if mode.reasoning is None and mode.objective is None:
            yield warning(f"spec.modes[{index}]", "changes nothing", "Give it reasoning or objective")


def efforts_ask_for_one_mode(spec: RoutingPolicySpec) -> Findings:
    """A client's `reasoning_effort` asks for the mode of that effort; of two, the first is taken."""
    efforts = ((index, mode.reasoning.effort) for index, mode in enumerate(spec.modes) if mode.reasoning is not None)
    owners: dict[Effort, str] = {}
    for index, effort in efforts:
        if effort in owners:
            problem = f"reasoning_effort {effort} asks for mode {owners[effort]}, which comes first"
            yield warning(f"spec.modes[{index}].reasoning.effort", problem, "Put the mode that is meant first")
        owners.setdefault(effort, spec.modes[index].name)


def difficulty_steps_differ(spec: RoutingPolicySpec) -> Findings:
    """The highest step reached counts, so two steps cannot start alike."""
    for index, percent in repeated(step.at_least_percent for step in spec.difficulty):
        field = f"spec.difficulty[{index}].atLeastPercent"
        yield Finding(field, f"two steps start at {percent}", "Merge them, or change one")


def difficulty_steps_change_something(spec: RoutingPolicySpec) -> Findings:
    """A step names backends, an effort, or both."""
    for index, step in enumerate(spec.difficulty):
        if not step.backends and step.reasoning is None:
            yield Finding(f"spec.difficulty[{index}]", "changes nothing", "Give it backends or reasoning")


def listed_overrides_have_subjects(spec: RoutingPolicySpec) -> Findings:
    """Listed and subjects need each other."""
    overrides = spec.overrides
    listed = Override.LISTED in (overrides.models, overrides.modes)
    if listed and not overrides.subjects:
        yield Finding(
            "spec.overrides.subjects", "Listed allows nobody without subjects", "List subjects, or write Deny"
        )
    if overrides.subjects and not listed:
        fix = "Set models or modes to Listed, or remove the subjects"
        yield Finding("spec.overrides.subjects", "neither models nor modes is Listed", fix)
    subjects = (f"{subject.tenant}/{subject.user or '*'}" for subject in overrides.subjects)
    yield from given_once("spec.overrides.subjects", subjects)


def constraints_can_be_met(spec: RoutingPolicySpec) -> Findings:
    """No request costs less than nothing."""
    objectives: list[tuple[str, Objective]] = [("spec.objective", spec.objective)]
    objectives += [
        (f"spec.modes[{at}].objective", mode.objective) for at, mode in enumerate(spec.modes) if mode.objective
    ]
    for field, objective in objectives:
        cost = objective.constraints.max_cost
        if cost is not None and money.picos(cost) == 0:
            yield Finding(f"{field}.constraints.maxCost", "no request that costs anything passes", "Raise or remove it")


def triggers_given_once(spec: RoutingPolicySpec) -> Findings:
    """A list that is a set."""
    yield from given_once("spec.fallback.triggers", spec.fallback.triggers)
