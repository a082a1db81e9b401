"""A conversation stays with its model unless another wins by a margin that pays for the lost prefix cache."""

from pointsman.core import sessions
from pointsman.core.decide.case import Case, Intent
from pointsman.core.decide.rank import Option, Ranked
from pointsman.core.plan import Code, Reason
from pointsman.core.resources.policy import Affinity, ObjectiveType
from pointsman.core.snapshot import SessionRules


def stay(case: Case, intent: Intent, ranked: list[Ranked]) -> list[Ranked]:
    """Move the conversation's model to the front, where it stays."""
    session, policy = case.state.session, case.target.policy
    if session is None or policy is None or case.target.backend is not None or len(ranked) == 0:
        return ranked
    affinity = policy.session.affinity
    if affinity is Affinity.NONE or (affinity is Affinity.PREFER and intent.mode != session.mode):
        return ranked
    best = ranked[0]
    if best.option.key == session.backend:
        return ranked
    current = next((each for each in ranked if each.option.key == session.backend), None)
    if current is None or not _stays(policy.session, intent.objective.type, current.option, best.option):
        switched = Reason(Code.SESSION_SWITCHED, {"from": session.backend})
        return [Ranked(best.option, (*best.reasons, switched)), *ranked[1:]]
    kept = Ranked(current.option, (Reason(Code.SESSION_KEPT), *current.reasons))
    return [kept, *(each for each in ranked if each is not current)]


def _stays(rules: SessionRules, objective: ObjectiveType, current: Option, best: Option) -> bool:
    """Required affinity always stays; a preferred one within the same list of backends and priority, by the margin."""
    if rules.affinity is Affinity.REQUIRE:
        return True
    if (current.tier, current.priority) != (best.tier, best.priority):
        return False
    if objective is ObjectiveType.COST:
        return sessions.keep_by_saving(current.cost, best.cost, rules.margin)
    if objective is ObjectiveType.LATENCY:
        times = current.first_token, best.first_token
        return times[0] is None or times[1] is None or sessions.keep_by_saving(times[0], times[1], rules.margin)
    return sessions.keep_backend(_as_session_option(current), _as_session_option(best), rules.margin)


def _as_session_option(option: Option) -> sessions.Option:
    return sessions.Option(option.key, option.quality, option.cost)
