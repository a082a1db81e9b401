"""The classifier that runs inside the router's process: no service to reach, a few milliseconds of one core.

Everything here blocks. The router calls it from a worker thread with a deadline; onnxruntime and numpy release the
GIL while they compute. Of requests only what `memory` says is kept; prototypes hold only what policies say.
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pointsman.core.request import Turn
from pointsman.core.signals import Classification
from pointsman_classifier.analysing import Analyses, Analysing, sendable
from pointsman_classifier.conversation import task, utterance
from pointsman_classifier.encoder import Encoder, Vector
from pointsman_classifier.exchange import Observed, exchanges
from pointsman_classifier.folding import Folded
from pointsman_classifier.heads import OUTPUTS, Heads, judgement
from pointsman_classifier.memory import TEXTS, Memory
from pointsman_classifier.routes import RouteText, prototypes
from pointsman_classifier.scoring import Scorer


class UnknownPolicyError(LookupError):
    """`classify` was asked with a key that was not prepared, or no longer is."""


class _Prepared(NamedTuple):
    routes: Folded | None
    """None for a policy without routes."""
    vectors: dict[bytes, Vector]
    """Embeddings by the hash of their text, so that the next snapshot embeds only what changed."""


class EmbeddedClassifier:
    """Thread-safe. Make one per process, with `load`."""

    def __init__(self, encoder: Encoder, heads: Heads, scorer: Scorer, remembered: int = TEXTS) -> None:
        """`remembered` is how many texts' analyses are kept for the requests that follow: see `memory`."""
        self._encoder, self._heads = encoder, heads
        self._analysing = Analysing(encoder, heads, Memory(remembered))
        self._scorer = scorer
        self._lock = threading.Lock()
        self._policies: dict[str, _Prepared] = {}  # replaced whole, so that readers need no lock

    @classmethod
    def load(
        cls, *, threads: int = 1, remembered: int = TEXTS, progress: Callable[[str], None] | None = None
    ) -> "EmbeddedClassifier":
        """Load the models, exporting the encoder on a machine's first use (seconds). Blocking.

        `threads` are onnxruntime's, per call; `remembered` is as in the constructor. Raises DamagedArtefactError when a
        shipped file is not what was shipped, and OSError when no cache folder can be written.
        """
        return cls(Encoder.load(threads=threads, progress=progress), Heads.load(), Scorer.load(), remembered)

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

        made = None
        if routes:
            made = self._scorer.fold(prototypes(routes, embed, self._scorer.reading, self._heads.category))
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

        The last user turn counts most; the few turns before it and the route that answered them say where it goes on
        from. A conversation without any text fits no route. Raises UnknownPolicyError.
        """
        texts = self.texts(key, turns, eligible)
        return self.score(key, texts, self.analyse(texts), previous_route, eligible)

    def texts(self, key: str, turns: tuple[Turn, ...], eligible: frozenset[str]) -> tuple[str, ...]:
        """What has to be analysed: nothing, or the last user turn; then its context (an even number of texts) where the
        policy has routes; then what it asks together with the user turn before it.

        Raises UnknownPolicyError.
        """
        routes = self._routes(key)
        said = utterance(turns)
        if not said.last.strip():
            return ()
        context = said.earlier if routes and not eligible.isdisjoint(routes.view.names) else ()
        asked = task(turns)
        return tuple(sendable(text) for text in (said.last, *context, *([asked] if asked else [])))

    def analyse(self, texts: Sequence[str]) -> Analyses:
        """Embeddings of all texts, and what the heads say of them. Blocking; a server can do it."""
        return self._analysing.analyse(texts)

    def score(
        self,
        key: str,
        texts: tuple[str, ...],
        analyses: Analyses,
        previous_route: str | None,
        eligible: frozenset[str],
    ) -> Classification:
        """The classification of `texts`, analysed here or on a server with the same encoder. Well below a millisecond.

        Raises UnknownPolicyError.
        """
        routes = self._routes(key)
        names = [name for name in routes.view.names if name in eligible] if routes else []
        if not texts:
            return Classification(routes=dict.fromkeys(names, 0.0))
        judged = judgement({name: analyses[name][0] for name in OUTPUTS})
        followed = len(texts) % 2 == 0  # then the last is the task: a follow-up's own words say half of what it asks
        if followed:
            judged = judged._replace(gain=(judged.gain + float(analyses["gain"][-1, 0])) / 2)
        fits: dict[str, float] = {}
        if routes and names:
            said = exchanges(texts[:-1] if followed else texts, analyses["embedding"], analyses["category"])
            fits = self._scorer.fit(Observed(said, previous_route), routes, eligible)
        return judged.classification(fits)

    def _routes(self, key: str) -> Folded | None:
        prepared = self._policies.get(key)
        if prepared is None:
            raise UnknownPolicyError(f"no prototypes are prepared for {key}")
        return prepared.routes
