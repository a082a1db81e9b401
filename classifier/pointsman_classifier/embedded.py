"""The classifier that runs inside the router's process: no service to reach, a few milliseconds of one core.

Everything here blocks. The router calls it from a worker thread with a deadline; onnxruntime and numpy release the
GIL while they compute. Nothing of a request is kept: prototypes hold only what policies say.
"""

import hashlib
import threading
from collections.abc import Callable
from typing import NamedTuple

from pointsman.core.request import Turn
from pointsman.core.signals import Classification
from pointsman_classifier.conversation import utterance
from pointsman_classifier.encoder import Encoder, Vector
from pointsman_classifier.heads import CATEGORIES, Heads
from pointsman_classifier.routes import Prototypes, RouteText, prototypes
from pointsman_classifier.scoring import Observed, Scorer


class UnknownPolicyError(LookupError):
    """`classify` was asked with a key that was not prepared, or no longer is."""


class _Prepared(NamedTuple):
    prototypes: Prototypes | None
    """None for a policy without routes."""
    vectors: dict[bytes, Vector]
    """Embeddings by the hash of their text, so that the next snapshot embeds only what changed."""


class EmbeddedClassifier:
    """Thread-safe. Make one per process, with `load`."""

    def __init__(self, encoder: Encoder, heads: Heads, scorer: Scorer) -> None:
        self._encoder = encoder
        self._heads = heads
        self._scorer = scorer
        self._lock = threading.Lock()
        self._policies: dict[str, _Prepared] = {}  # replaced whole, so that readers need no lock

    @classmethod
    def load(cls, *, threads: int = 1, progress: Callable[[str], None] | None = None) -> "EmbeddedClassifier":
        """Load the models, exporting the encoder on a machine's first use (seconds). Blocking.

        `threads` are onnxruntime's, per call. Raises DamagedArtefactError when a shipped file is not what was
        shipped, and OSError when no cache folder can be written.
        """
        return cls(Encoder.load(threads=threads, progress=progress), Heads.load(), Scorer.load())

    @property
    def digest(self) -> str:
        """Names the encoder, the heads and the scorer: equal digests give equal answers."""
        return f"{self._encoder.digest}/{self._heads.digest[:12]}/{self._scorer.digest[:12]}"

    def prepare(self, key: str, routes: tuple[RouteText, ...]) -> None:
        """Make the prototypes of a policy's routes, so that `classify` can be asked with this key. Blocking.

        About a millisecond for each text that no prepared policy says, and at most a few seconds to learn the
        examples of a very large policy. A key that is prepared already costs nothing.
        """
        if key in self._policies:
            return
        known = {h: v for prepared in self._policies.values() for h, v in prepared.vectors.items()}
        used: dict[bytes, Vector] = {}

        def embed(text: str) -> Vector:
            name = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
            vector = used.get(name, known.get(name))
            used[name] = self._encoder.embed(text) if vector is None else vector
            return used[name]

        made = prototypes(routes, embed, self._scorer.reading, self._heads.category) if routes else None
        with self._lock:
            self._policies = {**self._policies, key: _Prepared(made, used)}

    def retain(self, keys: frozenset[str]) -> None:
        """Forget the prototypes of all other keys."""
        with self._lock:
            self._policies = {key: prepared for key, prepared in self._policies.items() if key in keys}

    def classify(
        self, key: str, turns: tuple[Turn, ...], previous_route: str | None, eligible: frozenset[str]
    ) -> Classification:
        """What is known of a conversation, and how well each eligible route of the policy fits it. Blocking.

        The last user turn counts most; the turns before it and the route that answered them count a little. A
        conversation without any text fits no route. Raises UnknownPolicyError.
        """
        prepared = self._policies.get(key)
        if prepared is None:
            raise UnknownPolicyError(f"no prototypes are prepared for {key}")
        routes = prepared.prototypes
        names = [name for name in routes.names if name in eligible] if routes else []
        said = utterance(turns)
        if not said.last.strip():
            return Classification(routes=dict.fromkeys(names, 0.0))
        last = self._encoder.embed(said.last)
        judged = self._heads.judge(said.last, last)
        fits: dict[str, float] = {}
        if routes and names:
            assistant, window = (self._encoder.embed(t) if said.window else None for t in said[1:])
            seen = Observed(said.last, last, judged.category, assistant, window, previous_route)
            fits = self._scorer.fit(seen, routes, eligible)
        return Classification(
            routes=fits,
            category=dict(zip(CATEGORIES, map(float, judged.category), strict=True)),
            difficulty=judged.difficulty,
            reasoning=judged.reasoning,
            tool_need=judged.tool_need,
            commercial=judged.commercial,
        )
