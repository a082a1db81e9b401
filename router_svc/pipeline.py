"""The request's story: understand it and decide; then admit, pick and call one candidate after another.

Fallback is data: `decide` returns ordered candidates, and the pipeline walks them. Each stage is a stranger to the
others; they meet only here. If a stage's dependency fails: without the classifier the policy's `onFailure` holds;
without endpoints a candidate is passed over; without any answer the client gets an error that names each attempt.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec

from pointsman.core.decide import decide
from pointsman.core.decide.estimate import actual_cost
from pointsman.core.errors import RequestError
from pointsman.core.plan import Candidate, Plan
from pointsman.core.quota import Scope
from pointsman.core.resolve import known_models
from pointsman.core.resources.policy import Trigger
from pointsman.core.snapshot import SecretKey, Snapshot
from pointsman.core.state import State
from router_svc import refusals
from router_svc.ask import Ask
from router_svc.attempts import Attempts, Order
from router_svc.closing import Closing, Sessions
from router_svc.exchange import Answer, Denied, Failure, Incoming
from router_svc.openai import errors
from router_svc.openai.explain import Explanation
from router_svc.openai.models import ModelEntry
from router_svc.record import Recorder
from router_svc.refusals import Note
from router_svc.state import Ledger, Pool, read_state
from router_svc.understand import Identifier, Understanding
from router_svc.upstream.payload import build

_DECISIONS = 3
"""How often a request is decided again because others took the rest of its quota between decision and admission."""


class Budget(Protocol):
    """Bounds the attempts after the first, over all requests."""

    def request(self, name: str) -> None:
        """Count a request of this policy."""

    def retry(self, name: str, share: float) -> bool:
        """Take one more attempt, if those of late are below this share of the policy's requests."""


class Snapshots(Protocol):
    """What the pipeline reads beside the request's own snapshot."""

    def current(self) -> Snapshot:
        """The newest usable snapshot."""

    def credential(self, key: SecretKey) -> str | None:
        """A backend's bearer token."""


class Pipeline(msgspec.Struct, frozen=True, kw_only=True):
    """Answers requests."""

    understanding: Understanding
    snapshots: Snapshots
    keyring: Identifier
    ledger: Ledger
    pool: Pool
    attempts: Attempts
    budget: Budget
    sessions: Sessions
    recorder: Recorder
    clock: Callable[[], float]
    """Epoch seconds."""
    monotonic: Callable[[], float]
    """Seconds, for durations and deadlines."""

    async def answer(self, incoming: Incoming) -> Answer:
        """Answer a request; what goes wrong with it is an answer too."""
        try:
            ask = await self.understanding.understand(incoming, self.monotonic())
        except RequestError as error:
            self.recorder.turned_away(error.code)
            return Answer(error=error)
        notes: list[Note] = []
        plan = await self._decide(ask)
        self.budget.request(plan.policy or "")
        try:
            for _ in range(_DECISIONS):
                walked = await self._walk(ask, plan, notes)
                if isinstance(walked, Answer):
                    return walked
                denied, plan = walked, await self._decide(ask)
            return self._closing(ask, plan, notes).fail(refusals.subject_denied(denied))
        except asyncio.CancelledError:
            self._closing(ask, plan, notes).cancelled()
            raise

    def authenticate(self, authorization: str | None) -> None:
        """Raises `Unauthenticated`."""
        self.keyring.identify(authorization, "")

    async def explain(self, incoming: Incoming) -> Explanation:
        """Decide only: nothing is reserved, sent or remembered. Raises `RequestError` for a malformed request."""
        ask = await self.understanding.understand(incoming, self.monotonic())
        return Explanation(await self._decide(ask), ask.signals)

    def models(self, authorization: str | None) -> list[ModelEntry]:
        """Every name that this key may ask for. Raises `Unauthenticated`."""
        rights = self.keyring.identify(authorization, "").rights
        return [ModelEntry(id=name, owned_by=owner) for name, owner in known_models(self.snapshots.current(), rights)]

    async def _decide(self, ask: Ask) -> Plan:
        with ask.trace.deciding() as stage:
            plan = decide(ask.snapshot, ask.request, ask.signals, await self._state(ask))
            stage.decided(plan)
        return plan

    async def _state(self, ask: Ask) -> State:
        if ask.target is None:
            return State(now=self.clock())
        return await read_state(
            ask.snapshot, ask.request, ask.target, ask.session, self.clock(), self.pool, self.ledger
        )

    async def _walk(self, ask: Ask, plan: Plan, notes: list[Note]) -> Answer | Denied:
        """Try the candidates in their order, noting what became of each.

        Denied when others took the rest of the subject's quota since the decision: then decide again.
        """
        closing = self._closing(ask, plan, notes)
        if plan.refusal is not None:
            return closing.fail(errors.refused(plan.refusal))
        queue = deque(plan.candidates)
        end = ask.arrived + plan.fallback.timeouts.total
        while queue and (calls := refusals.calls(notes)) < plan.fallback.max_attempts and self.monotonic() < end:
            candidate = queue.popleft()
            if calls and not self.budget.retry(plan.policy or "", plan.fallback.retry_budget):
                break
            began = self.monotonic()
            ask.trace.trying(ask.request, candidate, ask.snapshot.backends[candidate.backend])
            made = await self.attempts.make(
                self._order(ask, plan, candidate, self._deadline(ask, end, more=bool(queue)))
            )
            if isinstance(made, tuple):
                return await closing.deliver(candidate, *made, began)
            if isinstance(made, Denied) and made.charge.scope is Scope.SUBJECT:
                return made
            note = self._note(ask, candidate, made, self.monotonic() - began)
            notes.append(note)
            ask.trace.failed(note.failure.trigger, note.failure.message)
            if note.failure.trigger not in plan.fallback.triggers:
                break
            if self._another_endpoint(candidate, note.failure):
                queue.appendleft(candidate)
        return closing.give_up()

    def _note(self, ask: Ask, candidate: Candidate, made: Failure | Denied, seconds: float) -> Note:
        if isinstance(made, Denied):
            return Note(candidate.backend, refusals.as_failure(made), seconds, called=False)
        cost = actual_cost(made.usage, ask.snapshot.backends[candidate.backend])
        called = made.endpoint_fault or made.trigger is not Trigger.CONNECT_ERROR  # else no endpoint was to be had
        return Note(candidate.backend, made, seconds, cost, called)

    def _another_endpoint(self, candidate: Candidate, failure: Failure) -> bool:
        """An endpoint that cannot be reached says nothing of its backend's others, which are asked first."""
        if failure.trigger is not Trigger.CONNECT_ERROR or not failure.endpoint_fault:
            return False
        state = self.pool.states((candidate.backend,)).get(candidate.backend)
        return state is not None and state.available > 0

    def _deadline(self, ask: Ask, end: float, *, more: bool) -> float:
        """When an attempt must have ended. One that is not streamed shows no first token to judge it by, so it gets
        half of what is left while other candidates remain: a hanging model server must leave them time."""
        if ask.request.stream or not more:
            return end
        now = self.monotonic()
        return now + (end - now) / 2

    def _order(self, ask: Ask, plan: Plan, candidate: Candidate, deadline: float) -> Order:
        backend = ask.snapshot.backends[candidate.backend]
        operation = ask.request.operation
        return Order(
            candidate=candidate,
            backend=backend,
            payload=build(ask.body, operation, backend, candidate.effort, headers=ask.incoming.headers),
            timeouts=plan.fallback.timeouts,
            deadline=deadline,
            credential=self.snapshots.credential(backend.credential) if backend.credential is not None else None,
            prompt_tokens=ask.request.prompt_tokens,
            trace=ask.trace,
        )

    def _closing(self, ask: Ask, plan: Plan, notes: list[Note]) -> Closing:
        return Closing(
            ask=ask,
            plan=plan,
            notes=notes,
            recorder=self.recorder,
            sessions=self.sessions,
            monotonic=self.monotonic,
        )
