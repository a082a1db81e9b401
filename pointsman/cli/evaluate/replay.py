"""Cases through the router's own stages: observe, classify, decide, and the session of the turn before."""

import math
import time
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from pointsman_classifier.evaluation.need import none_of

from pointsman.cli.classifier import Languages
from pointsman.cli.evaluate.classifiers import Classifier
from pointsman.cli.evaluate.policy import Ruling
from pointsman.core.decide import decide
from pointsman.core.observe import observe
from pointsman.core.plan import Code, Plan
from pointsman.core.request import Request
from pointsman.core.signals import Classification, ClassifierOutcome, Signals
from pointsman.core.state import BackendState, SessionState, State

DEFAULT = "default"


class Verdict(NamedTuple):
    """What became of one case."""

    chosen: str
    """Name of the route, or "default"."""
    alone: str
    """The same if the conversation had begun with this case."""
    best: str
    """The route that scored most; empty where scores did not decide."""
    score: float
    """Its score; NaN where scores did not decide."""
    outside: float
    """How likely it is that no route fits."""
    seconds: float
    """The classifier's own time; NaN where it was not asked."""
    reason: str
    """The code of why this route."""


class Replay:
    """Decides as a router would at `now`: every backend is well and no quota touched. Not thread-safe."""

    def __init__(self, ruling: Ruling, classifier: Classifier, languages: Languages, now: float) -> None:
        self._ruling = ruling
        self._classifier = classifier
        self._languages = languages
        self._now = now
        self._well = {key: BackendState(endpoints=1, available=1) for key in ruling.snapshot.backends}
        self._asks = ruling.policy.key in ruling.snapshot.classifying
        self._reads_language = any(route.match.languages for route in ruling.policy.routes)
        self._sessions: dict[object, SessionState] = {}
        classifier.prepare(ruling.policy.key, [route for route in ruling.policy.routes if route.described])

    def run(self, request: Request, conversation: object = None) -> Verdict:
        """One case. Turns of one conversation come in their order; each is remembered as if it had been answered."""
        language = self._languages(request.last_user_text) if self._reads_language else (None, 0.0)
        signals = observe(request, self._ruling.policy, language)
        said, seconds = Classification(), math.nan
        if self._asks:
            began = time.perf_counter()
            said = self._classifier.classify(self._ruling.policy.key, request.turns, signals.matched)
            seconds = time.perf_counter() - began
            signals = msgspec.structs.replace(signals, classifier=ClassifierOutcome.ANSWERED, classification=said)
        session = self._sessions.get(conversation) if conversation is not None else None
        alone = self._decide(request, signals, None)
        plan = alone if session is None else self._decide(request, signals, session)
        if conversation is not None:
            self._sessions[conversation] = _remembered(plan, request)
        code = _why(plan)
        best, score, outside = "", math.nan, 1.0
        if code == Code.ROUTE_MATCHED:
            outside = 0.0
        elif said.routes:
            best = max(said.routes, key=lambda name: said.routes[name])
            score, outside = said.routes[best], none_of(said.routes)
        return Verdict(plan.route or DEFAULT, alone.route or DEFAULT, best, score, outside, seconds, code)

    def _decide(self, request: Request, signals: Signals, session: SessionState | None) -> Plan:
        state = State(now=self._now, backends=self._well, session=session)
        return decide(self._ruling.snapshot, request, signals, state)


def _remembered(plan: Plan, request: Request) -> SessionState:
    backend = plan.candidates[0].backend if plan.candidates else ""
    return SessionState(plan.route or DEFAULT, plan.mode, backend, request.prompt_tokens)


_ROUTE_CODES = frozenset({Code.ROUTE_CLASSIFIED, Code.ROUTE_MATCHED, Code.ROUTE_KEPT, Code.NO_ROUTE_FITS})


def _why(plan: Plan) -> str:
    return next((str(reason.code) for reason in plan.reasons if reason.code in _ROUTE_CODES), "")


class Log:
    """Collects verdicts by number, for arrays."""

    def __init__(self, routes: Iterable[str]) -> None:
        self.names = tuple(routes)
        self.number = {name: i for i, name in enumerate(self.names)} | {DEFAULT: -1, "": -1}
        self.verdicts: list[Verdict] = []
        self.reasons: Counter[str] = Counter()

    def add(self, verdict: Verdict) -> None:
        """Keep one."""
        self.verdicts.append(verdict)
        self.reasons[verdict.reason] += 1
