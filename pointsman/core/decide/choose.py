"""What is wanted, before looking at single backends: mode, route, effort, objective, and the tiers to ask."""

import msgspec

from pointsman.core.decide import refuse
from pointsman.core.decide.case import Case, Intent, Tier
from pointsman.core.plan import Code, Reason, Refusal
from pointsman.core.request import Effort, Operation
from pointsman.core.resolve import allowed
from pointsman.core.resources.policy import Affinity, ClassifierFailure
from pointsman.core.sessions import keep_route
from pointsman.core.signals import ClassifierOutcome
from pointsman.core.snapshot import DifficultyStep, Mode, Objective, Policy, Preference, Route

Reasons = tuple[Reason, ...]
Detail = dict[str, str | int | float]


class Refused(Exception):
    """Ends a decision early, with what the client is told."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def choose(case: Case) -> tuple[Intent, Reasons]:
    """What is wanted, and why. Precedence of effort: client, mode, phrase, difficulty, route, default."""
    policy, pinned = case.target.policy, case.target.backend
    if policy is None:
        assert pinned is not None, "a target has a policy or a backend"
        tier = Tier("pinned", (Preference(backend=pinned.key),))
        return Intent(tiers=(tier,), effort=case.request.effort), (Reason(Code.PINNED),)

    mode, client_effort, reasons = _choose_mode(case, policy)
    objective = _objective(policy, mode)
    if pinned is not None:
        tier = Tier("pinned", (Preference(backend=pinned.key),))
        effort = client_effort or (mode.effort if mode else None)
        return (
            Intent(tiers=(tier,), objective=objective, effort=effort, mode=mode.name if mode else None),
            (Reason(Code.PINNED), *reasons),
        )

    route, why_route = _choose_route(case, policy)
    step = _choose_step(case, policy)
    effort = _first(
        client_effort,
        mode.effort if mode is not None else None,
        step.effort if step is not None else None,
        route.effort,
        policy.default.effort,
    )
    reasons += (why_route,)
    if step is not None:
        difficulty = case.signals.classification.difficulty
        assert difficulty is not None, "a step was reached"
        reasons += (Reason(Code.DIFFICULT, {"difficulty": round(difficulty.value, 2), "atLeast": step.at_least}),)
    return (
        Intent(
            tiers=_tiers(policy, route, step),
            route=route,
            objective=objective,
            effort=effort,
            mode=mode.name if mode else None,
        ),
        reasons,
    )


def _first(*efforts: Effort | None) -> Effort | None:
    return next((effort for effort in efforts if effort is not None), None)


def _choose_mode(case: Case, policy: Policy) -> tuple[Mode | None, Effort | None, Reasons]:
    """The mode in force, the client's own effort where the policy lets it choose, and why."""
    request, named = case.request, case.target.mode
    if not allowed(policy.overrides.modes, policy.overrides, request.subject):
        if named is not None:
            raise Refused(refuse.mode_denied(policy, request))
        denied = request.effort is not None or case.signals.phrase_mode is not None
        return None, None, (Reason(Code.MODE_DENIED),) if denied else ()
    effort_reason: Reasons = ()
    if request.effort is not None:
        effort_reason = (Reason(Code.EFFORT, {"effort": str(request.effort)}),)
    if named is not None:
        return policy.mode(named), request.effort, (Reason(Code.MODE_BY_NAME, {"mode": named}), *effort_reason)
    if request.effort is not None:
        mode = next((mode for mode in policy.modes if mode.effort is request.effort), None)
        if mode is None:
            return None, request.effort, effort_reason
        return mode, request.effort, (Reason(Code.MODE_BY_EFFORT, {"mode": mode.name}), *effort_reason)
    if case.signals.phrase_mode is not None:
        mode = policy.mode(case.signals.phrase_mode)
        return mode, None, (Reason(Code.MODE_BY_PHRASE, {"mode": case.signals.phrase_mode}),)
    return None, None, ()


def _objective(policy: Policy, mode: Mode | None) -> Objective:
    """A mode's objective replaces the policy's; constraints that it does not state stay in force."""
    if mode is None or mode.objective is None:
        return policy.objective
    return msgspec.structs.replace(
        mode.objective,
        max_cost=policy.objective.max_cost if mode.objective.max_cost is None else mode.objective.max_cost,
        max_first_token=policy.objective.max_first_token
        if mode.objective.max_first_token is None
        else mode.objective.max_first_token,
    )


def _choose_route(case: Case, policy: Policy) -> tuple[Route, Reason]:
    """Rule routes in their order, then the best described route by the classifier, else the default."""
    if case.request.operation is Operation.EMBEDDINGS:
        return policy.default, Reason(Code.EMBEDDINGS)  # their content must not choose the model
    eligible = {route.name: route for route in policy.routes if route.name in case.signals.matched}
    for route in eligible.values():
        if not route.described:
            return route, Reason(Code.ROUTE_MATCHED, {"route": route.name})
    described = {name: route for name, route in eligible.items() if route.described}
    if not described:
        return policy.default, Reason(Code.NO_ROUTE_FITS)
    if case.signals.classifier is not ClassifierOutcome.ANSWERED:
        return _without_classifier(case, policy, described)
    scores = {name: case.signals.classification.routes.get(name, 0.0) for name in described}
    best = max(scores, key=lambda name: scores[name])  # the first listed wins a tie
    fits = scores[best] >= policy.classifier.min_confidence
    kept = _kept(case, policy, scores, best if fits else policy.default.name, scores[best])
    if kept is not None:
        detail: Detail = {
            "route": kept,
            "score": round(scores[kept], 2),
            "best": best,
            "scored": round(scores[best], 2),
        }
        return described[kept], Reason(Code.ROUTE_KEPT, detail)
    if not fits:
        return policy.default, Reason(Code.NO_ROUTE_FITS, {"best": best, "score": round(scores[best], 2)})
    return described[best], Reason(Code.ROUTE_CLASSIFIED, {"route": best, "score": round(scores[best], 2)})


def _kept(case: Case, policy: Policy, scores: dict[str, float], winner: str, score: float) -> str | None:
    """The session's route, if the conversation stays with it although `winner` would take this turn."""
    session = case.state.session
    if session is None or policy.session.affinity is Affinity.NONE:
        return None
    if session.route not in scores or session.route == winner:
        return None
    margin, floor = policy.session.margin, policy.classifier.min_confidence
    return session.route if keep_route(session, scores, winner, score, margin, floor) else None


def _without_classifier(case: Case, policy: Policy, described: dict[str, Route]) -> tuple[Route, Reason]:
    """A failed or late classifier leaves a conversation where it is, and sends a new one to the default."""
    outcome = case.signals.classifier
    code = Code.CLASSIFIER_LATE if outcome is ClassifierOutcome.LATE else Code.CLASSIFIER_FAILED
    if policy.classifier.on_failure is ClassifierFailure.REJECT and outcome is not ClassifierOutcome.NOT_NEEDED:
        raise Refused(refuse.classifier_unavailable(policy))
    session = case.state.session
    if session is not None and policy.session.affinity is not Affinity.NONE and session.route in described:
        return described[session.route], Reason(Code.ROUTE_KEPT, {"route": session.route, "because": str(code)})
    return policy.default, Reason(code)


def _choose_step(case: Case, policy: Policy) -> DifficultyStep | None:
    """The highest step that the difficulty reaches. A conversation leaves a step later than it enters it."""
    difficulty = case.signals.classification.difficulty
    if difficulty is None:
        return None
    session = case.state.session
    for step in policy.difficulty:
        on_step = session is not None and any(each.backend == session.backend for each in step.backends)
        stays = on_step and policy.session.affinity is not Affinity.NONE
        if difficulty.value >= step.at_least - (2 * policy.session.margin if stays else 0.0):
            return step
    return None


def _tiers(policy: Policy, route: Route, step: DifficultyStep | None) -> tuple[Tier, ...]:
    tiers = []
    if step is not None and step.backends:
        tiers.append(Tier("difficulty", step.backends))
    tiers.append(Tier(route.name, route.backends))
    if route is not policy.default:
        tiers.append(Tier(policy.default.name, policy.default.backends, policy.default))
    return tuple(tiers)
