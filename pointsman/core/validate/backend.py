"""Rules of a ModelBackend."""

from collections.abc import Iterator
from datetime import datetime

from pointsman.core import money
from pointsman.core.errors import ConfigError
from pointsman.core.problems import Finding, warning
from pointsman.core.request import Effort
from pointsman.core.resources.backend import ModelBackendSpec, ReasoningParameter, ReasoningType
from pointsman.core.validate.common import given_once, repeated

Findings = Iterator[Finding]


def one_kind_of_endpoints(spec: ModelBackendSpec) -> Findings:
    """A model is served by a Service or by an external host."""
    if spec.endpoints.service_ref is None and spec.endpoints.external is None:
        yield Finding("spec.endpoints", "is empty", "Give serviceRef or external")
    if spec.endpoints.service_ref is not None and spec.endpoints.external is not None:
        yield Finding("spec.endpoints", "has both serviceRef and external", "Keep exactly one of them")


def names_given_once(spec: ModelBackendSpec) -> Findings:
    """Aliases and retired names are one name space."""
    yield from given_once("spec.aliases", spec.aliases)
    yield from given_once("spec.replaces", (old.name for old in spec.replaces), ".name")
    for index, old in enumerate(spec.replaces):
        if old.name in spec.aliases:
            problem = f'"{old.name}" is an alias already, which holds at once'
            yield Finding(f"spec.replaces[{index}].name", problem, "Remove it here or from spec.aliases")


def retirement_dates_exist(spec: ModelBackendSpec) -> Findings:
    """The pattern admits a thirteenth month."""
    for index, old in enumerate(spec.replaces):
        try:
            datetime.fromisoformat(old.not_before or "2000-01-01T00:00:00Z")
        except ValueError:
            field, problem = f"spec.replaces[{index}].notBefore", f'"{old.not_before}" is not in the calendar'
            yield Finding(field, problem, 'Write it like "2026-12-01T00:00:00Z"')


def operations_given_once(spec: ModelBackendSpec) -> Findings:
    """A list that is a set."""
    yield from given_once("spec.capabilities.operations", spec.capabilities.operations)


def answers_fit_the_context(spec: ModelBackendSpec) -> Findings:
    """The context holds prompt and answer together."""
    context, output = spec.capabilities.context_tokens, spec.capabilities.output_tokens
    if context is not None and output is not None and output > context:
        field, problem = "spec.capabilities.outputTokens", f"is above contextTokens ({context})"
        yield Finding(field, problem, "The context holds prompt and answer together: lower it or raise contextTokens")


def efforts_fit_the_reasoning_type(spec: ModelBackendSpec) -> Findings:
    """None never thinks, Always cannot stop, Toggle does either."""
    reasoning, field = spec.capabilities.reasoning, "spec.capabilities.reasoning.efforts"
    efforts, kind = reasoning.efforts, reasoning.type
    yield from given_once(field, efforts)
    if kind is ReasoningType.NONE and efforts:
        yield Finding(field, "a model of type None does not think", "Remove the efforts, or set type: Toggle or Always")
    if kind is ReasoningType.ALWAYS and Effort.NONE in efforts:
        yield Finding(field, "a model of type Always cannot stop thinking", "Remove None, or set type: Toggle")
    if kind is ReasoningType.TOGGLE and efforts and (Effort.NONE not in efforts or set(efforts) == {Effort.NONE}):
        yield Finding(field, "a model of type Toggle thinks or does not", "List None and at least one other effort")
    if kind is ReasoningType.ALWAYS and reasoning.parameter is ReasoningParameter.CHAT_TEMPLATE_KWARGS:
        problem = "ChatTemplateKwargs turns thinking on and off, which type Always does not allow"
        yield Finding(
            "spec.capabilities.reasoning.parameter", problem, "Set type: Toggle or parameter: ReasoningEffort"
        )


def prices_are_exact(spec: ModelBackendSpec) -> Findings:
    """A price is a whole number of picos per token."""
    pricing = spec.pricing
    for name, price in (("input", pricing.input), ("cachedInput", pricing.cached_input), ("output", pricing.output)):
        try:
            money.picos_per_token(price or "0")
        except ConfigError as error:
            yield Finding(f"spec.pricing.{name}", str(error), "Round it to six digits after the point")


def cached_input_costs_no_more(spec: ModelBackendSpec) -> Findings:
    """A prefix cache saves money, or the two are mixed up."""
    cached = spec.pricing.cached_input
    if cached is not None and money.picos(cached) > money.picos(spec.pricing.input):
        problem = f"is above the price of input ({spec.pricing.input})"
        yield Finding("spec.pricing.cachedInput", problem, "Lower it, or leave it out to charge the input price")


def categories_given_once(spec: ModelBackendSpec) -> Findings:
    """One prior per category."""
    for index, category in repeated(str(quality.category) for quality in spec.quality):
        yield Finding(f"spec.quality[{index}].category", f'"{category}" is given twice', "Keep one of them")


def credentials_travel_encrypted(spec: ModelBackendSpec) -> Findings:
    """A token sent over plain HTTP to a host outside is anybody's."""
    external = spec.endpoints.external
    if spec.auth is not None and external is not None and not external.tls:
        yield warning("spec.endpoints.external.tls", "the credential is sent unencrypted", "Set tls: true")
