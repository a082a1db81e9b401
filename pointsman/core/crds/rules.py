"""The rules of `pointsman.core.validate` that the API server checks itself, in CEL, by the type that they are about.

Each names the rule that it mirrors; a test holds the two lists together, and `ONLY_COMPILER` says which have no mirror
and why. A rule within a list costs its price times the longest such list, and the API server refuses a CRD whose rules
could cost too much: that, not taste, decides what is written here. Needs Kubernetes 1.30 (`sets` and `ip` functions).
"""

from collections.abc import Mapping
from typing import Any

import msgspec


class Rule(msgspec.Struct, frozen=True):
    """One expression that must hold."""

    mirrors: str
    """Name of the function in `pointsman.core.validate`, or in `pointsman.core.addresses`."""
    expression: str
    message: str
    field: str = ""
    """The field at fault, where it is not the whole."""

    def as_schema(self) -> dict[str, Any]:
        """As `x-kubernetes-validations` has it."""
        at = {"fieldPath": f".{self.field}"} if self.field else {}
        return {"rule": self.expression, "message": self.message, **at}


def _lasts(mirrors: str, field: str) -> Rule:
    expression = f"!has(self.{field}) || duration(self.{field}) > duration('0s')"
    return Rule(mirrors, expression, "lasts no time at all: write a duration above zero, such as 1s", field)


def _exact(field: str) -> Rule:
    expression = f"!has(self.{field}) || self.{field}.matches('^[0-9]+([.][0-9]{{1,6}}0*)?$')"
    return Rule("prices_are_exact", expression, "is finer than a pico per token: round it to six digits", field)


def _once(owner: str) -> Rule:
    """Backends of one list; of a route's or a quota's the price would be paid too often."""
    same = "a.name == b.name && (has(a.__namespace__) ? a.__namespace__ : '') == "
    same += "(has(b.__namespace__) ? b.__namespace__ : '')"
    expression = f"!has(self.backends) || self.backends.all(a, self.backends.exists_one(b, {same}))"
    return Rule("backends_listed_once", expression, f"a backend is given twice in this {owner}", "backends")


_SOME_BACKENDS = "has(self.backendSelector) || (has(self.backends) && size(self.backends) > 0)"
_NOBODY = "has neither backends nor backendSelector: give one of them"
_UNDESCRIBED = " || ".join(f"(has(self.{text}) && self.{text}.trim() != '')" for text in ("domain", "action"))
_DESCRIBED = (
    f"{_UNDESCRIBED} || (has(self.description) && self.description.trim() != '')"
    " || (has(self.examples) && self.examples.exists(example, example.trim() != ''))"
)
_MATCHES = (
    "self.match.tools != 'Any' || self.match.minPromptTokens > 0"
    " || (has(self.match.languages) && size(self.match.languages) > 0)"
    " || (has(self.match.keywords) && size(self.match.keywords) > 0)"
    " || (has(self.match.headers) && size(self.match.headers) > 0)"
)
_THINKS = "has(self.efforts) && size(self.efforts) > 0"
_LOWER = "phrases.map(phrase, phrase.lowerAscii())"

RULES: Mapping[str, tuple[Rule, ...]] = {
    "Endpoints": (
        Rule("one_kind_of_endpoints", "has(self.serviceRef) || has(self.external)", "give serviceRef or external"),
        Rule(
            "one_kind_of_endpoints",
            "!(has(self.serviceRef) && has(self.external))",
            "has both serviceRef and external: keep exactly one of them",
        ),
    ),
    "External": (
        Rule(
            "refuse",
            "!isIP(self.host) || ip(self.host).isGlobalUnicast()",
            "is an address that no router connects to (loopback, link-local, multicast): name another host",
            "host",
        ),
    ),
    "ModelBackendSpec": (
        Rule(
            "names_given_once",
            "!has(self.aliases) || !has(self.replaces) || !self.replaces.exists(old, old.name in self.aliases)",
            "a retired name is an alias already, which holds at once: keep it in one list",
            "replaces",
        ),
    ),
    "Capabilities": (
        Rule(
            "answers_fit_the_context",
            "!has(self.contextTokens) || !has(self.outputTokens) || self.outputTokens <= self.contextTokens",
            "is above contextTokens: the context holds prompt and answer together",
            "outputTokens",
        ),
    ),
    "Reasoning": (
        Rule(
            "efforts_fit_the_reasoning_type",
            f"self.type != 'None' || !({_THINKS})",
            "a model of type None does not think: remove the efforts, or set type to Toggle or Always",
            "efforts",
        ),
        Rule(
            "efforts_fit_the_reasoning_type",
            "self.type != 'Always' || !has(self.efforts) || !('None' in self.efforts)",
            "a model of type Always cannot stop thinking: remove None, or set type to Toggle",
            "efforts",
        ),
        Rule(
            "efforts_fit_the_reasoning_type",
            f"self.type != 'Toggle' || !({_THINKS}) || ('None' in self.efforts && size(self.efforts) > 1)",
            "a model of type Toggle thinks or does not: list None and at least one other effort",
            "efforts",
        ),
        Rule(
            "efforts_fit_the_reasoning_type",
            "self.type != 'Always' || self.parameter != 'ChatTemplateKwargs'",
            "ChatTemplateKwargs turns thinking on and off, which type Always does not allow",
            "parameter",
        ),
    ),
    "Pricing": (
        _exact("input"),
        _exact("cachedInput"),
        _exact("output"),
        Rule(
            "cached_input_costs_no_more",
            "!has(self.cachedInput) || double(self.cachedInput) <= double(self.input)",
            "is above the price of input: lower it, or leave it out to charge the input price",
            "cachedInput",
        ),
    ),
    "Health": (_lasts("backend_durations_last", "interval"),),
    "OutlierDetection": (_lasts("backend_durations_last", "baseEjection"),),
    "RoutingPolicySpec": (
        Rule(
            "phrases_mean_one_mode",
            f"!has(self.modes) || self.modes.all(a, !has(a.phrases) || self.modes.all(b, !has(b.phrases)"
            f" || a.name == b.name || !sets.intersects(a.{_LOWER}, b.{_LOWER})))",
            "a phrase asks for two modes: keep it in one",
            "modes",
        ),
    ),
    "Route": (
        Rule(
            "reserved_names_stay_free",
            "!(self.name in ['default', 'difficulty', 'downgrade', 'pinned'])",
            "is reserved: choose another name",
            "name",
        ),
        Rule("routes_have_backends", _SOME_BACKENDS, _NOBODY),
        Rule(
            "routes_can_be_told_apart",
            f"{_DESCRIBED} || {_MATCHES}",
            "would take every request: describe what belongs here, or use spec.default",
        ),
    ),
    "Match": (
        Rule(
            "matches_say_things_once",
            "!has(self.keywords) || self.keywords.all(keyword, keyword.trim() != '')",
            "a keyword is blank: write a word or phrase, or remove it",
            "keywords",
        ),
        Rule(
            "matches_say_things_once",
            "!has(self.headers) || self.headers.all(a, self.headers.exists_one(b,"
            " a.name.lowerAscii() == b.name.lowerAscii()))",
            "a header is given twice: names are the same in any case",
            "headers",
        ),
    ),
    "HeaderMatch": (
        Rule(
            "headers_can_match",
            "!(self.name.lowerAscii() in ['authorization', 'cookie', 'proxy-authorization', 'x-api-key'])",
            "holds credentials, which are never routed by: match another header",
            "name",
        ),
    ),
    "Default": (Rule("default_has_backends", _SOME_BACKENDS, _NOBODY), _once("list")),
    "Mode": (
        Rule(
            "phrases_mean_one_mode",
            "!has(self.phrases) || self.phrases.all(phrase, phrase.trim() != '')",
            "a phrase is blank: write one, or remove it",
            "phrases",
        ),
    ),
    "DifficultyStep": (
        Rule(
            "difficulty_steps_change_something",
            "has(self.reasoning) || (has(self.backends) && size(self.backends) > 0)",
            "changes nothing: give it backends or reasoning",
        ),
        _once("step"),
    ),
    "Overrides": (
        Rule(
            "listed_overrides_have_subjects",
            "!(self.models == 'Listed' || self.modes == 'Listed') || (has(self.subjects) && size(self.subjects) > 0)",
            "Listed allows nobody without subjects: list some, or write Deny",
            "subjects",
        ),
        Rule(
            "listed_overrides_have_subjects",
            "self.models == 'Listed' || self.modes == 'Listed' || !has(self.subjects) || size(self.subjects) == 0",
            "neither models nor modes is Listed: set one of them to Listed, or remove the subjects",
            "subjects",
        ),
    ),
    "Constraints": (
        Rule(
            "constraints_can_be_met",
            "!has(self.maxCost) || self.maxCost.matches('[1-9]')",
            "no request that costs anything passes: raise or remove it",
            "maxCost",
        ),
        _lasts("policy_durations_last", "maxFirstToken"),
    ),
    "Session": (_lasts("policy_durations_last", "idle"),),
    "Window": (
        Rule(
            "rolling_windows_have_a_length",
            "self.type != 'Rolling' || has(self.length)",
            "is required of a Rolling window: add a length such as 5h",
            "length",
        ),
        Rule(
            "rolling_windows_have_a_length",
            "self.type != 'Rolling' || !has(self.period)",
            "is of Calendar windows only: remove it, or set type to Calendar",
            "period",
        ),
        Rule(
            "rolling_windows_have_a_length",
            "self.type != 'Rolling' || self.timeZone == 'UTC'",
            "is of Calendar windows only: remove it, or set type to Calendar",
            "timeZone",
        ),
        Rule(
            "calendar_windows_have_a_period",
            "self.type != 'Calendar' || has(self.period)",
            "is required of a Calendar window: add Day, Week or Month",
            "period",
        ),
        Rule(
            "calendar_windows_have_a_period",
            "self.type != 'Calendar' || !has(self.length)",
            "is of Rolling windows only: remove it, or set type to Rolling",
            "length",
        ),
        _lasts("policy_durations_last", "length"),
    ),
    "OnExhausted": (
        Rule(
            "only_downgrades_name_backends",
            "self.action != 'Downgrade' || (has(self.backends) && size(self.backends) > 0)",
            "Downgrade needs to know who answers instead: list cheaper backends, or set action to Reject",
            "backends",
        ),
        Rule(
            "only_downgrades_name_backends",
            "self.action != 'Reject' || !has(self.backends) || size(self.backends) == 0",
            "Reject does not ask other backends: remove them, or set action to Downgrade",
            "backends",
        ),
    ),
    "Quota": (
        Rule(
            "limits_admit_something",
            "self.limit.matches('[1-9]')",
            "admits nothing: raise it; to refuse a tenant, revoke its keys",
            "limit",
        ),
        Rule(
            "counts_are_whole_numbers",
            "self.resource == 'Cost' || self.limit.matches('^[0-9]+([.]0+)?$')",
            "requests and tokens are counted in whole numbers: remove the fraction",
            "limit",
        ),
    ),
    "Timeouts": (
        _lasts("policy_durations_last", "connect"),
        _lasts("policy_durations_last", "firstToken"),
        _lasts("policy_durations_last", "total"),
        Rule(
            "timeouts_nest",
            "duration(self.connect) <= duration(self.firstToken)",
            "is above firstToken, which includes it: lower it, or raise firstToken",
            "connect",
        ),
        Rule(
            "timeouts_nest",
            "duration(self.firstToken) <= duration(self.total)",
            "is above total, which includes it: lower it, or raise total",
            "firstToken",
        ),
    ),
    "Classifier": (_lasts("policy_durations_last", "deadline"),),
}

BY_LISTS = frozenset(
    {
        "operations_given_once",
        "retirement_dates_exist",  # by format
        "categories_given_once",
        "virtual_models_given_once",
        "named_entries_given_once",
        "difficulty_steps_differ",
        "triggers_given_once",
        "subjects_given_once",
    }
)
"""Rules that sets, list-maps and formats hold without CEL."""

ONLY_COMPILER: Mapping[str, str] = {
    "credentials_travel_encrypted": "a warning, which CEL cannot give",
    "weights_cover_a_band": "a warning",
    "modes_change_something": "a warning",
    "efforts_ask_for_one_mode": "a warning",
    "examples_belong_to_one_route": "a warning",
}
"""Rules without a mirror. Of those with one, the API server leaves to the compiler: time zones that do not exist, a
backend given twice in a route or quota, keywords that differ only in case, phrases that differ only in spaces, and a
subject that is listed twice."""
