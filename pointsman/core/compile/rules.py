"""The parts of a policy that refer to nobody, from what people write to what the router reads."""

from pointsman.core.durations import seconds
from pointsman.core.money import PICOS, picos
from pointsman.core.request import Effort
from pointsman.core.resources import policy as resources
from pointsman.core.snapshot import (
    ClassifierRules,
    Fallback,
    MatchRules,
    Mode,
    Objective,
    Overrides,
    Preference,
    Quota,
    SessionRules,
    SubjectRule,
    Timeouts,
    Window,
)


def effort_of(setting: resources.EffortSetting | None) -> Effort | None:
    """The effort that is set, if any."""
    return setting.effort if setting is not None else None


def compile_match(match: resources.Match) -> MatchRules:
    """Keywords and header names in lower case."""
    return MatchRules(
        languages=frozenset(match.languages),
        keywords=tuple(keyword.lower() for keyword in match.keywords),
        headers={header.name.lower(): header.value for header in match.headers},
        tools=match.tools,
        min_prompt_tokens=match.min_prompt_tokens,
    )


def compile_mode(mode: resources.Mode) -> Mode:
    """Phrases in lower case."""
    return Mode(
        name=mode.name,
        phrases=tuple(phrase.lower() for phrase in mode.phrases),
        effort=effort_of(mode.reasoning),
        objective=compile_objective(mode.objective) if mode.objective is not None else None,
    )


def compile_objective(objective: resources.Objective) -> Objective:
    """Cost in picos, time in seconds."""
    cost, first_token = objective.constraints.max_cost, objective.constraints.max_first_token
    return Objective(
        type=objective.type,
        quality_band=objective.quality_band_percent / 100,
        max_cost=picos(cost) if cost is not None else None,
        max_first_token=seconds(first_token) if first_token is not None else None,
    )


def compile_overrides(overrides: resources.Overrides) -> Overrides:
    """What clients may choose."""
    return Overrides(
        models=overrides.models,
        modes=overrides.modes,
        subjects=tuple(SubjectRule(tenant=subject.tenant, user=subject.user) for subject in overrides.subjects),
    )


def compile_session(session: resources.Session) -> SessionRules:
    """How a conversation stays with its model."""
    return SessionRules(
        key=session.key,
        affinity=session.affinity,
        margin=session.switch_margin_percent / 100,
        idle=seconds(session.idle),
    )


def compile_quota(quota: resources.Quota, backends: tuple[Preference, ...]) -> Quota:
    """The limit in requests, tokens or picos."""
    limit = picos(quota.limit)
    return Quota(
        name=quota.name,
        tenants=frozenset(quota.match.tenants),
        users=frozenset(quota.match.users),
        keys=frozenset(quota.match.keys),
        per=quota.per,
        resource=quota.resource,
        limit=limit if quota.resource is resources.Resource.COST else limit // PICOS,
        window=_window(quota.window),
        action=quota.on_exhausted.action,
        backends=backends,
    )


def _window(window: resources.Window) -> Window:
    return Window(
        type=window.type,
        length=seconds(window.length) if window.length is not None else 0.0,
        period=window.period,
        time_zone=window.time_zone,
    )


def compile_fallback(fallback: resources.Fallback) -> Fallback:
    """When the next candidate is asked."""
    return Fallback(
        triggers=frozenset(fallback.triggers),
        max_attempts=fallback.max_attempts,
        retry_budget=fallback.retry_budget_percent / 100,
        timeouts=Timeouts(
            connect=seconds(fallback.timeouts.connect),
            first_token=seconds(fallback.timeouts.first_token),
            total=seconds(fallback.timeouts.total),
        ),
    )


def compile_classifier(classifier: resources.Classifier) -> ClassifierRules:
    """Deadline in seconds, confidence as a fraction."""
    return ClassifierRules(
        deadline=seconds(classifier.deadline),
        on_failure=classifier.on_failure,
        min_confidence=classifier.min_confidence_percent / 100,
    )
