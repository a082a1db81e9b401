"""One decision without a router: the folder, the classifier and the core's own `decide`."""

from pathlib import Path

import msgspec

from pointsman.cli.classifier import Languages, RouteClassifier
from pointsman.core.decide import decide
from pointsman.core.installation import OPEN
from pointsman.core.observe import observe
from pointsman.core.plan import Plan
from pointsman.core.request import Operation, Request, Subject
from pointsman.core.resolve import resolve
from pointsman.core.signals import ClassifierOutcome, Signals
from pointsman.core.snapshot import Policy, Snapshot
from pointsman.core.state import BackendState, State
from router_svc.openai.parse import parse
from router_svc.source.folder import Folder
from router_svc.source.loaded import Loaded


class Question(msgspec.Struct, frozen=True):
    """What would be asked of a router."""

    prompt: str
    model: str
    system: str = ""
    subject: Subject = Subject()


class Decision(msgspec.Struct, frozen=True):
    """What a router would decide."""

    plan: Plan
    signals: Signals


def load(folder: Path) -> Loaded:
    """The folder as a router would see it. Raises ConfigError when it cannot be read."""
    loaded = Folder(folder, OPEN).load()
    assert loaded is not None, "a first look always loads"
    return loaded


def usual_model(snapshot: Snapshot) -> str:
    """The virtual name to ask for where none is given: auto, or else the first."""
    names = sorted(snapshot.virtual_names)
    return names[0] if names and "auto" not in names else "auto"


def decide_once(
    snapshot: Snapshot, question: Question, now: float, classifier: RouteClassifier | None, languages: Languages
) -> Decision:
    """Decide as a router does that has just started: every backend is well, no quota is touched, no session known."""
    request = _request(question)
    target = resolve(snapshot, request.model, request.subject, now)
    signals = Signals()
    if target is not None and target.policy is not None and target.backend is None:
        signals = observe(request, target.policy, languages(request.last_user_text))
        signals = _classified(snapshot, target.policy, request, signals, classifier)
    well = {key: BackendState(endpoints=1, available=1) for key in snapshot.backends}
    return Decision(decide(snapshot, request, signals, State(now=now, backends=well)), signals)


def _request(question: Question) -> Request:
    """Read by the router's own parser, so that sizes and turns are what a router would see."""
    system = [{"role": "system", "content": question.system}] if question.system else []
    messages = [*system, {"role": "user", "content": question.prompt}]
    body = parse(Operation.CHAT, msgspec.json.encode({"model": question.model, "messages": messages}))
    return Request(
        id="explain",
        model=body.model,
        turns=body.turns,
        prompt_tokens=body.prompt_tokens,
        subject=question.subject,
    )


def _classified(
    snapshot: Snapshot, policy: Policy, request: Request, signals: Signals, classifier: RouteClassifier | None
) -> Signals:
    if policy.key not in snapshot.classifying:
        return signals
    if classifier is None:
        return msgspec.structs.replace(signals, classifier=ClassifierOutcome.FAILED)
    classifier.prepare(policy.key, [route for route in policy.routes if route.described])
    said = classifier.classify(policy.key, request.turns, signals.matched)
    return msgspec.structs.replace(signals, classifier=ClassifierOutcome.ANSWERED, classification=said)
