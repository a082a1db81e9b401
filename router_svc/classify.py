"""The classify stage: asks a model what a request needs, within a deadline, and never fails a request.

A model may be divided: a server analyses the texts, and this process scores the routes. Without the server's answer
the model in this process does both in what is left of the deadline.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import msgspec

from pointsman.core.request import Operation, Request, Turn
from pointsman.core.signals import Classification, ClassifierOutcome, Signals
from pointsman.core.snapshot import Policy, Route, Snapshot

log = logging.getLogger(__name__)

MAX_WAITING = 64
"""Requests that may wait for the classifier in this process; beyond it, their classification fails at once."""

SERVERS_SHARE = 0.6
"""Of the deadline, how much a server may take; the rest is for the model in this process."""

EMBEDDED, SERVER = "embedded", "triton"


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


class Scoring(Protocol):
    """The parts of a model that are left when its analysis is done elsewhere. They take well below a millisecond."""

    def texts(self, key: str, turns: tuple[Turn, ...], eligible: frozenset[str]) -> tuple[str, ...]:
        """What has to be analysed."""

    def score(
        self, key: str, texts: tuple[str, ...], analyses: Mapping[str, Any], eligible: frozenset[str]
    ) -> Classification:
        """The classification, from the analyses of these texts."""


class Analyser(Protocol):
    """A server that analyses texts. Its methods never block, and fail no request."""

    @property
    def well(self) -> bool:
        """Whether it is worth asking."""

    @property
    def detail(self) -> str:
        """How it is doing, for /readyz."""

    def start(self) -> None:
        """Connect, in the event loop."""

    async def analyse(self, texts: Sequence[str], seconds: float) -> Mapping[str, Any] | None:
        """The analyses, or None when they are not to be had within `seconds`."""

    async def aclose(self) -> None:
        """Disconnect."""


class Remote(NamedTuple):
    """A server, and the part of the model that stays here."""

    analyser: Analyser
    scoring: Scoring


class Classifying:
    """Runs a model off the event loop. A late, failing or missing model leaves its signals empty; the policy says
    what happens then (`classifier.onFailure`)."""

    def __init__(self, model: Model | None, *, remote: Remote | None = None, threads: int = 1) -> None:
        """`model` is None where classification is switched off: every policy then sees a failed classifier."""
        self._model, self._remote = model, remote
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="classify")
        self._waiting = 0
        self._keys: dict[str, dict[str, str]] = {}  # of the last two snapshots: version → policy → prototypes
        self.healthy = model is not None
        """Whether the last classification was answered in time; shown in /readyz."""
        self.answered = {EMBEDDED: 0} if remote is None else {SERVER: 0, EMBEDDED: 0}
        """Classifications since the start, by who answered."""

    def start(self) -> None:
        """Connect to the server, if there is one. In the event loop."""
        if self._remote is not None:
            self._remote.analyser.start()

    @property
    def detail(self) -> str:
        """How the server is doing, for /readyz; empty without one."""
        return self._remote.analyser.detail if self._remote is not None else ""

    @property
    def server_lost(self) -> bool:
        """Whether there is a server that does not answer."""
        return self._remote is not None and not self._remote.analyser.well

    async def prepare(self, snapshot: Snapshot) -> None:
        """Make a snapshot usable before it is adopted; the one before it stays usable for requests under way."""
        if self._model is None:
            return
        model, loop = self._model, asyncio.get_running_loop()
        keys = {policy.key: _key(policy) for policy in snapshot.policies.values()}
        ready = {key for each in self._keys.values() for key in each.values()}
        for policy in snapshot.policies.values():
            if keys[policy.key] not in ready:
                described = [route for route in policy.routes if route.described]
                await loop.run_in_executor(self._threads, model.prepare, keys[policy.key], described)
        before = list(self._keys.items())[-1:]
        self._keys = dict([*before, (snapshot.version, keys)])
        kept = frozenset(key for each in self._keys.values() for key in each.values())
        await loop.run_in_executor(self._threads, model.retain, kept)

    async def classify(self, snapshot: Snapshot, policy: Policy, request: Request, signals: Signals) -> Signals:
        """The signals, completed by the model's where it answers within the policy's deadline."""
        if policy.key not in snapshot.classifying or request.operation is Operation.EMBEDDINGS:
            return signals
        if self._model is None:
            return msgspec.structs.replace(signals, classifier=ClassifierOutcome.FAILED)
        key = self._keys.get(snapshot.version, {}).get(policy.key, "")  # unknown to the model: forgotten since
        end = time.monotonic() + policy.classifier.deadline
        classification = None
        if self._remote is not None and self._remote.analyser.well:
            seconds = policy.classifier.deadline * SERVERS_SHARE
            classification = await self._ask_server(self._remote, key, request, signals.matched, seconds)
        if classification is not None:
            outcome, by = ClassifierOutcome.ANSWERED, SERVER
        elif self._waiting >= MAX_WAITING:
            return msgspec.structs.replace(signals, classifier=ClassifierOutcome.FAILED)
        else:
            by = EMBEDDED
            outcome, classification = await self._ask(self._model, key, request, signals.matched, end)
        self.healthy = outcome is ClassifierOutcome.ANSWERED
        self.answered[by] += self.healthy
        return msgspec.structs.replace(signals, classifier=outcome, classification=classification)

    async def _ask_server(
        self, remote: Remote, key: str, request: Request, eligible: frozenset[str], seconds: float
    ) -> Classification | None:
        try:
            texts = remote.scoring.texts(key, request.turns, eligible)
            analyses = await remote.analyser.analyse(texts, seconds) if texts else {}
            return None if analyses is None else remote.scoring.score(key, texts, analyses, eligible)
        except Exception as error:
            log.warning("classifier failed: %s", type(error).__name__)  # the type only, as below
            return None

    async def _ask(
        self, model: Model, key: str, request: Request, eligible: frozenset[str], end: float
    ) -> tuple[ClassifierOutcome, Classification]:
        work: Callable[[], Classification] = lambda: model.classify(key, request.turns, eligible)  # noqa: E731 - a thunk for the worker thread
        self._waiting += 1
        answer = asyncio.get_running_loop().run_in_executor(self._threads, work)
        answer.add_done_callback(self._done)
        try:
            return ClassifierOutcome.ANSWERED, await asyncio.wait_for(answer, end - time.monotonic())
        except TimeoutError:
            return ClassifierOutcome.LATE, Classification()
        except Exception as error:
            # the type only: a message may quote what it choked on, which is the prompt
            log.warning("classifier failed: %s", type(error).__name__)
            return ClassifierOutcome.FAILED, Classification()

    def _done(self, _answer: "asyncio.Future[Classification]") -> None:
        self._waiting -= 1

    async def aclose(self) -> None:
        """Disconnect, and end the worker threads once they are idle."""
        if self._remote is not None:
            await self._remote.analyser.aclose()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _key(policy: Policy) -> str:
    """Names what a policy says of its routes: a snapshot with the same words needs no other prototypes."""
    said = [(r.name, r.domain, r.action, r.description, r.examples) for r in policy.routes if r.described]
    return f"{policy.key}:{hashlib.blake2b(msgspec.msgpack.encode(said), digest_size=16).hexdigest()}"
