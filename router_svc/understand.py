"""From the bytes of a request to what it needs: parse, identify, find its session, observe, classify."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Protocol

import msgspec

from pointsman.core.errors import Overloaded
from pointsman.core.observe import observe
from pointsman.core.request import Operation, Request, Subject, Turn
from pointsman.core.resolve import resolve
from pointsman.core.resources.policy import Affinity
from pointsman.core.signals import Signals
from pointsman.core.snapshot import Policy, SessionRules, Snapshot
from pointsman.core.state import SessionState
from router_svc.ask import SESSION_HEADER, Ask
from router_svc.exchange import Body, Identity, Incoming
from router_svc.openai.parse import parse

_LARGE_BODY = 1 << 20
"""Bytes."""


class Snapshots(Protocol):
    """Where the snapshot in force is read."""

    def current(self) -> Snapshot:
        """The newest usable snapshot."""


class Identifier(Protocol):
    """Knows whose an API key is."""

    def identify(self, authorization: str | None, body_user: str) -> Identity:
        """Subject and rights; raises `Unauthenticated`."""


class Classifier(Protocol):
    """Completes signals; never fails."""

    async def classify(self, snapshot: Snapshot, policy: Policy, request: Request, signals: Signals) -> Signals:
        """Signals with whatever could be told in time."""


class Sessions(Protocol):
    """Remembers which backend answered a conversation."""

    def get(self, key: str, idle: float) -> SessionState | None:
        """The last turn's state, if it is younger than `idle` seconds."""


Languages = Callable[[str], tuple[str | None, float]]
"""From text to an ISO 639-1 code (or None) and a confidence."""

SessionKeys = Callable[[Subject, SessionRules, str | None, tuple[Turn, ...], bytes], str]
"""From subject, rules, session header, conversation and tools digest to a session's key."""


class Understanding(msgspec.Struct, frozen=True, kw_only=True):
    """The stages before the decision."""

    snapshots: Snapshots
    keyring: Identifier
    languages: Languages
    classifier: Classifier
    sessions: Sessions
    session_key: SessionKeys
    new_id: Callable[[], str]
    clock: Callable[[], float]
    """Epoch seconds."""

    async def understand(self, incoming: Incoming, arrived: float) -> Ask:
        """Read a request; raises `InvalidRequest` or `Unauthenticated`. A pinned model pays for no classification."""
        snapshot = self.snapshots.current()  # read once: one request is answered by one snapshot
        if not snapshot.version:
            raise Overloaded("No policies are loaded yet; try again.", code="not_ready", retry_after=1.0)
        body = await _parsed(incoming)
        identity = self.keyring.identify(incoming.headers.get("authorization"), body.user)
        request = _request(self.new_id(), incoming, body, identity)
        now = self.clock()
        target = resolve(snapshot, request.model, request.subject, now)
        session: SessionState | None = None
        signals = Signals()
        if target is not None and target.policy is not None and target.backend is None:
            request, session = self._in_session(request, target.policy, incoming, body)
            read = target.policy.key in snapshot.reading_languages
            language = self.languages(request.last_user_text) if read else (None, 0.0)
            signals = observe(request, target.policy, language)
            with incoming.trace.classifying() as stage:
                signals = await self.classifier.classify(snapshot, target.policy, request, signals)
                stage.classified(signals)
        return Ask(
            incoming=incoming,
            snapshot=snapshot,
            body=body,
            request=request,
            target=target,
            session=session,
            signals=signals,
            started=now,
            arrived=arrived,
        )

    def _in_session(
        self, request: Request, policy: Policy, incoming: Incoming, body: Body
    ) -> tuple[Request, SessionState | None]:
        """The request with its session's key. Embeddings have no conversation."""
        if request.operation is Operation.EMBEDDINGS or policy.session.affinity is Affinity.NONE:
            return request, None
        tools = hashlib.blake2b(body.fields.get("tools", msgspec.Raw()), digest_size=16).digest()
        header = incoming.headers.get(SESSION_HEADER)
        key = self.session_key(request.subject, policy.session, header, request.turns, tools)
        key = f"{policy.key}:{key}" if key else ""  # another policy's models are another conversation
        session = self.sessions.get(key, policy.session.idle) if key else None
        return msgspec.structs.replace(request, session=key), session


async def _parsed(incoming: Incoming) -> Body:
    """A large body is read in a thread, so that streams under way go on meanwhile."""
    if len(incoming.body) > _LARGE_BODY:
        return await asyncio.to_thread(parse, incoming.operation, incoming.body)
    return parse(incoming.operation, incoming.body)


def _request(decision: str, incoming: Incoming, body: Body, identity: Identity) -> Request:
    return Request(
        id=decision,
        operation=incoming.operation,
        model=body.model,
        turns=body.turns,
        subject=identity.subject,
        rights=identity.rights,
        prompt_tokens=body.prompt_tokens,
        max_output_tokens=body.max_output_tokens,
        effort=body.effort,
        tools=body.tools,
        vision=body.vision,
        json=body.json,
        stream=body.stream,
        headers={name: value for name, value in incoming.headers.items() if name != "authorization"},
    )
