"""The classify stage: asks a model what a request needs, within a deadline, and never fails a request."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import msgspec

from pointsman.core.request import Operation, Request, Turn
from pointsman.core.signals import Classification, ClassifierOutcome, Signals
from pointsman.core.snapshot import Policy, Route, Snapshot

log = logging.getLogger(__name__)

MAX_WAITING = 64
"""Requests that may wait for the classifier; beyond it, their classification fails at once."""


class Model(Protocol):
    """A classifier in this process. Its methods block, are thread-safe, and run in a worker thread."""

    def prepare(self, key: str, routes: Iterable[Route]) -> None:
        """Make the prototypes of a policy's routes; what was embedded before is not embedded again."""

    def retain(self, keys: frozenset[str]) -> None:
        """Forget the prototypes of all other keys."""

    def classify(self, key: str, turns: tuple[Turn, ...], eligible: frozenset[str]) -> Classification:
        """Say what a conversation needs, by the routes prepared under `key`.

        It is not told the route of the turn before: `decide` keeps routes (docs/decisions/sessions.md).
        """


class Classifying:
    """Runs a model off the event loop. A late, failing or missing model leaves its signals empty; the policy says
    what happens then (`classifier.onFailure`)."""

    def __init__(self, model: Model | None, *, threads: int = 1) -> None:
        """`model` is None where classification is switched off: every policy then sees a failed classifier."""
        self._model = model
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="classify")
        self._waiting = 0
        self._prepared: tuple[Snapshot, ...] = ()
        self.healthy = model is not None
        """Whether the last classification was answered in time; shown in /readyz."""

    async def prepare(self, snapshot: Snapshot) -> None:
        """Make a snapshot usable before it is adopted; the one before it stays usable for requests under way."""
        if self._model is None:
            return
        model, loop = self._model, asyncio.get_running_loop()
        for policy in snapshot.policies.values():
            described = [route for route in policy.routes if route.described]
            await loop.run_in_executor(self._threads, model.prepare, _key(snapshot, policy), described)
        self._prepared = (*self._prepared[-1:], snapshot)
        keys = frozenset(_key(each, policy) for each in self._prepared for policy in each.policies.values())
        await loop.run_in_executor(self._threads, model.retain, keys)

    async def classify(self, snapshot: Snapshot, policy: Policy, request: Request, signals: Signals) -> Signals:
        """The signals, completed by the model's where it answers within the policy's deadline."""
        if policy.key not in snapshot.classifying or request.operation is Operation.EMBEDDINGS:
            return signals
        if self._model is None or self._waiting >= MAX_WAITING:
            return msgspec.structs.replace(signals, classifier=ClassifierOutcome.FAILED)
        outcome, classification = await self._ask(self._model, snapshot, policy, request, signals.matched)
        self.healthy = outcome is ClassifierOutcome.ANSWERED
        return msgspec.structs.replace(signals, classifier=outcome, classification=classification)

    async def _ask(
        self, model: Model, snapshot: Snapshot, policy: Policy, request: Request, eligible: frozenset[str]
    ) -> tuple[ClassifierOutcome, Classification]:
        work: Callable[[], Classification] = lambda: model.classify(  # noqa: E731 - a thunk for the worker thread
            _key(snapshot, policy), request.turns, eligible
        )
        self._waiting += 1
        answer = asyncio.get_running_loop().run_in_executor(self._threads, work)
        answer.add_done_callback(self._done)
        try:
            return ClassifierOutcome.ANSWERED, await asyncio.wait_for(answer, policy.classifier.deadline)
        except TimeoutError:
            return ClassifierOutcome.LATE, Classification()
        except Exception as error:
            # the type only: a message may quote what it choked on, which is the prompt
            log.warning("classifier failed: %s", type(error).__name__)
            return ClassifierOutcome.FAILED, Classification()

    def _done(self, _answer: "asyncio.Future[Classification]") -> None:
        self._waiting -= 1

    def close(self) -> None:
        """End the worker threads once they are idle."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _key(snapshot: Snapshot, policy: Policy) -> str:
    return f"{snapshot.version}:{policy.key}"
