"""How a request ends: with an answer, a model server's own words, or an error; told once, with the reasons why."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

import msgspec

from pointsman.core.errors import RequestError
from pointsman.core.plan import Candidate, Plan
from pointsman.core.request import Operation
from pointsman.core.resources.policy import Trigger
from pointsman.core.state import SessionState
from pointsman.runtime.uninterrupted import uninterrupted
from router_svc import refusals
from router_svc.ask import Ask, Outcome, record
from router_svc.attempts import Hold
from router_svc.deliver import Relay
from router_svc.exchange import Answer, Ending, Reply, Stream
from router_svc.openai import errors, explain, headers
from router_svc.openai.explain import Explanation
from router_svc.record import Recorder
from router_svc.refusals import Note


class Sessions(Protocol):
    """Remembers which backend answered a conversation."""

    def put(self, key: str, state: SessionState) -> None:
        """Remember a turn."""


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """The end of one request, by one plan."""

    ask: Ask
    plan: Plan
    notes: Sequence[Note]
    """What became of the candidates that failed."""
    recorder: Recorder
    sessions: Sessions
    monotonic: Callable[[], float]
    """Seconds."""

    async def deliver(self, candidate: Candidate, reply: Reply, hold: Hold, began: float) -> Answer:
        """Hand over an answer. Whoever ends a stream (either side, or a drain) settles what it held."""
        if reply.stream is None:
            cost = await uninterrupted(hold.release(reply.usage, ok=True))
            seconds = self.monotonic() - began
            outcome = Outcome(
                said=Ending.CLEAN,
                candidate=candidate,
                usage=reply.usage,
                cost=cost,
                seconds=seconds,
                spoken=reply.spoken,
            )
            self._finish(outcome)
            return Answer(
                status=reply.status,
                headers=self._headers(candidate),
                body=self._explained(reply.body or b""),
                used=lambda: reply.usage,
            )

        async def finish(stream: Stream, ending: Ending) -> None:
            cost = await hold.release(stream.usage, ok=stream.endpoint_ok)
            outcome = Outcome(
                said=ending,
                candidate=candidate,
                usage=stream.usage,
                cost=cost,
                seconds=self.monotonic() - began,
                first_token=reply.first_token,
                spoken=stream.spoken,
            )
            self._finish(outcome)

        hold.answered(reply.first_token)
        stream = reply.stream
        events = aiter(stream)
        if self.ask.explain:
            events = explain.in_stream(events, self.ask.request.operation, self._explanation)
        return Answer(headers=self._headers(candidate), events=Relay(stream, events, finish), used=lambda: stream.usage)

    def give_up(self) -> Answer:
        """No candidate answered. A model server's own words about the request reach the client as they are."""
        last = self.notes[-1].failure
        if last.body is None or last.trigger not in (None, Trigger.REFUSAL):
            return self.fail(refusals.all_failed(self.notes))
        self._finish(Outcome(said="upstream_rejected"))
        if last.status == 200 and self.ask.request.stream:
            return Answer(headers=self._headers(None), events=_once(last.body))
        return Answer(status=last.status or 400, headers=self._headers(None), body=last.body)

    def fail(self, error: RequestError) -> Answer:
        """Nobody was, or could be, asked with success."""
        self._finish(Outcome(said=error.code))
        body = self._explained(errors.body(error)) if self.ask.explain else None
        return Answer(headers=self._headers(None), error=error, body=body)

    def cancelled(self) -> None:
        """The client left before anything was answered."""
        self._finish(Outcome(said=Ending.CANCELLED))

    def _finish(self, outcome: Outcome) -> None:
        """Record the request, and remember who answered its conversation.

        A downgraded turn is not remembered: when its quota is there again, the conversation goes back to its model.
        """
        ask, plan = self.ask, self.plan
        finished = record(ask, plan, tuple(self.notes), outcome, self.monotonic())
        self.recorder.write(finished)
        ask.trace.finished(finished)
        if outcome.candidate is None or not ask.request.session or plan.downgraded is not None:
            return
        if ask.request.operation is Operation.EMBEDDINGS or plan.route is None:
            return
        turn = SessionState(
            route=plan.route,
            mode=plan.mode,
            backend=outcome.candidate.backend,
            prefix_tokens=outcome.usage.total_tokens,
        )
        self.sessions.put(ask.request.session, turn)

    @property
    def _explanation(self) -> Explanation:
        return Explanation(self.plan, self.ask.signals, self._attempts)

    def _explained(self, body: bytes) -> bytes:
        return explain.in_body(body, self._explanation) if self.ask.explain else body

    def _headers(self, candidate: Candidate | None) -> dict[str, str]:
        model = self.ask.snapshot.backends[candidate.backend].model if candidate is not None else None
        attempts = refusals.calls(self.notes) + (candidate is not None)
        failed = (attempt.outcome for attempt in self._attempts)
        return headers.decision_headers(self.plan, candidate, attempts, model, failed)

    @property
    def _attempts(self) -> tuple[explain.Attempt, ...]:
        return tuple(
            explain.Attempt(note.backend, str(note.failure.trigger or "Rejected"), note.failure.message)
            for note in self.notes
        )


async def _once(event: bytes) -> AsyncIterator[bytes]:
    yield event
