"""Rules that need more than one field: named, ordered, pure, one small function each.

The types hold what one field may be; what is left, and what a schema cannot say, is said here. The lists below are the
specification: read them from top to bottom.
"""

from collections.abc import Iterator

from pointsman.core.problems import Finding
from pointsman.core.resources import ModelBackend, RoutingPolicy
from pointsman.core.validate import backend, policy, quota, routes, times

BACKEND_RULES = (
    backend.one_kind_of_endpoints,
    backend.names_given_once,
    backend.retirement_dates_exist,
    backend.operations_given_once,
    backend.answers_fit_the_context,
    backend.efforts_fit_the_reasoning_type,
    backend.prices_are_exact,
    backend.cached_input_costs_no_more,
    backend.categories_given_once,
    backend.credentials_travel_encrypted,
    times.backend_durations_last,
)

POLICY_RULES = (
    policy.virtual_models_given_once,
    policy.named_entries_given_once,
    routes.reserved_names_stay_free,
    routes.routes_have_backends,
    routes.default_has_backends,
    routes.routes_can_be_told_apart,
    routes.backends_listed_once,
    routes.weights_cover_a_band,
    routes.matches_say_things_once,
    routes.headers_can_match,
    policy.phrases_mean_one_mode,
    policy.modes_change_something,
    policy.efforts_ask_for_one_mode,
    routes.examples_belong_to_one_route,
    policy.difficulty_steps_differ,
    policy.difficulty_steps_change_something,
    policy.listed_overrides_have_subjects,
    policy.constraints_can_be_met,
    policy.triggers_given_once,
    quota.rolling_windows_have_a_length,
    quota.calendar_windows_have_a_period,
    quota.limits_admit_something,
    quota.counts_are_whole_numbers,
    quota.only_downgrades_name_backends,
    quota.subjects_given_once,
    times.policy_durations_last,
    times.timeouts_nest,
)


def validate(resource: ModelBackend | RoutingPolicy) -> Iterator[Finding]:
    """Everything that these rules find, in their order."""
    if isinstance(resource, ModelBackend):
        for backend_rule in BACKEND_RULES:
            yield from backend_rule(resource.spec)
    else:
        for policy_rule in POLICY_RULES:
            yield from policy_rule(resource.spec)
