"""Sessions: which conversation a request belongs to, and what answered its last turn. No text is kept."""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from itertools import takewhile

from pointsman.core.request import Subject, Turn
from pointsman.core.resources.policy import SessionKey
from pointsman.core.snapshot import SessionRules
from pointsman.core.state import SessionState


def session_key(
    secret: bytes,
    subject: Subject,
    rules: SessionRules,
    header: str | None,
    turns: tuple[Turn, ...],
    tools_digest: bytes,
) -> str:
    """Name of the conversation, as an HMAC-SHA256 in hex; empty when there is nothing to tell it by.

    The subject is always part of it, so nobody can join another's session by guessing a header. Routers that share the
    secret agree. By rules of Auto a header comes first, then how the conversation began (system prompt, tools and first
    user turn); two that begin alike share a session, which costs them nothing but an affinity.
    """
    if header:
        return _digest(secret, subject, b"header", _bytes(header))
    if rules.key is SessionKey.HEADER:
        return ""
    first = next((turn.text for turn in turns if turn.role == "user"), "")
    if not first:
        return ""
    before = takewhile(lambda turn: turn.role != "user", turns)
    instructions = [_bytes(turn.text) for turn in before if turn.role in ("system", "developer")]
    return _digest(secret, subject, b"auto", tools_digest, _bytes(first), *instructions)


def _digest(secret: bytes, subject: Subject, *parts: bytes) -> str:
    """HMAC of all parts, each with its length before it, so that no two lists of parts read the same."""
    mac = hmac.new(secret, digestmod=hashlib.sha256)
    for part in (_bytes(subject.tenant), _bytes(subject.user), _bytes(subject.key), *parts):
        mac.update(len(part).to_bytes(8, "big"))
        mac.update(part)
    return mac.hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a header that was not UTF-8 arrives with lone surrogates


class SessionStore:
    """The last turn of each conversation: the least recently used are forgotten first, idle ones when asked for.

    Losing an entry (a restart, another router) costs a conversation its affinity, never its answer.
    """

    def __init__(self, clock: Callable[[], float], capacity: int = 100_000) -> None:
        """`clock` gives seconds, `capacity` is the number of conversations."""
        self._clock = clock
        self._capacity = capacity
        self._sessions: OrderedDict[str, tuple[SessionState, float]] = OrderedDict()  # least recently used first

    def __len__(self) -> int:
        """Conversations in memory."""
        return len(self._sessions)

    def get(self, key: str, idle: float) -> SessionState | None:
        """State after the last turn, unless that is more than `idle` seconds ago."""
        if key not in self._sessions:
            return None
        state, answered = self._sessions[key]
        if self._clock() - answered > idle:
            del self._sessions[key]
            return None
        self._sessions.move_to_end(key)
        return state

    def put(self, key: str, state: SessionState) -> None:
        """Keep the state after a turn; the empty key is nobody's."""
        if not key:
            return
        self._sessions[key] = (state, self._clock())
        self._sessions.move_to_end(key)
        if len(self._sessions) > self._capacity:
            self._sessions.popitem(last=False)
