"""How well a conversation fits each route, as calibrated probabilities; what is missing from 1 fits none.

A route's logit is linear in a few features of a user turn and the assistant's turn before it, compared with the other
routes', and in how the route relates to the one that was asked for before. "None of them" has a logit too, from how
high the best of these features are. The weights are shared by all policies and were learnt on many of them
(`classifier/train/routes.py`), so a new route needs no training. `following` carries what is believed from one turn of
a conversation to the next.
"""

from collections.abc import Container, Sequence

import numpy as np
import numpy.typing as npt

from pointsman_classifier import dialogue, towers
from pointsman_classifier.exchange import Exchange, Observed
from pointsman_classifier.folding import Folded, Weights, between, fold
from pointsman_classifier.following import KNOWN_TOO, follow
from pointsman_classifier.heads import load_artefact, softmax
from pointsman_classifier.observing import Observer
from pointsman_classifier.routes import Prototypes, Reading
from pointsman_classifier.usual import log_total
from pointsman_classifier.vectors import DIMENSIONS
from pointsman_classifier.weighing import EVERY, Rows, null_features

Array = npt.NDArray[np.float32]


class Scorer:
    """The shipped weights. Immutable, so thread-safe."""

    def __init__(self, arrays: dict[str, Array], digest: str) -> None:
        self.digest = digest
        self.reading = Reading(arrays["describe"], arrays["route_centre"], towers.from_arrays(arrays))
        self._weights = Weights(
            arrays["request_centre"],
            arrays["assistant_centre"],
            arrays["turning"],
            arrays["route_weights"],
            arrays["null_weights"],
        )
        self._observer = observer(self.reading, self._weights)
        self._dialogue = dialogue.from_arrays(arrays)

    @classmethod
    def load(cls) -> "Scorer":
        """The shipped scorer. Raises DamagedArtefactError."""
        return cls(*load_artefact("routes"))

    def fold(self, routes: Prototypes) -> Folded:
        """Make everything that depends on the policy alone."""
        return fold(routes, self._weights, self._dialogue.doing)

    def fit(self, conversation: Observed, routes: Folded, eligible: Container[str]) -> dict[str, float]:
        """Probability of each eligible route, in the policy's order; what is missing from 1 is that none fits."""
        names = [name for name in routes.view.names if name in eligible]
        if not names:
            return {}
        among = _rows(routes.view.names, names)
        seen = self._observer.observe(conversation.exchanges, routes.view)
        opening = seen.opening.astype(np.int64)
        logits = np.einsum("tkn,tkn->tn", seen.columns, routes.slopes[opening]) + routes.levels[opening]
        turns = np.empty((len(logits), len(names) + 1), np.float32)
        logits = logits[:, among]  # less their mean: levels that all routes share are for `nothing` to weigh
        turns[:, :-1] = logits - np.add.reduce(logits, axis=1, keepdims=True) / len(names)
        turns[:, -1] = null_features(seen, routes.view, among) @ self._weights.nothing
        if routes.view.usual is not None:
            turns[:, -1] += log_total(turns[:, :-1])
        moves = between(routes.moves, among)

        def move(t: int, before: npt.NDArray[np.int64]) -> Array:
            stays, sibling = seen.turning[t]
            plain, by_stays, by_sibling = moves[:, before]
            found: Array = plain + stays * by_stays + sibling * by_sibling
            return found

        previous = names.index(conversation.previous_route) if conversation.previous_route in names else None
        believed = follow(turns, move, previous)
        if routes.ways is not None:
            ways, columns = routes.ways.among(among), seen.columns[:, :, among]
            believed = self._along(conversation.exchanges, ways, columns, turns[:, :-1], believed, previous)
        return dict(zip(names, believed.tolist(), strict=False))

    def _along(
        self,
        exchanges: Sequence[Exchange],
        ways: dialogue.Ways,
        columns: Array,
        logits: Array,
        believed: Array,
        previous: int | None,
    ) -> Array:
        """Probabilities of the routes by the filter of `dialogue`; that of none stays what ends `believed`."""
        fitting = 1 - believed[-1]
        if len(exchanges) == 1 and (not ways.share or previous is not None or exchanges[0].assistant is not None):
            return believed[:-1]  # there is no conversation, or nothing is known of its turns but a route
        w = self._dialogue
        users = np.array([each.vector for each in exchanges])
        answers = np.zeros((len(exchanges), DIMENSIONS), np.float32)
        for t, each in enumerate(exchanges):
            if each.assistant is not None:
                answers[t] = each.assistant
        alone = softmax(logits[0]) if len(exchanges) > 1 else believed[:-1] / fitting
        seen = dialogue.going(w, ways, users, answers, columns, logits)
        belief = dialogue.opening(seen, alone, ways.share)
        for t in range(1, len(exchanges)):
            if t == len(exchanges) - 1 and previous is not None:
                belief *= 1 - KNOWN_TOO
                belief[previous] += KNOWN_TOO
            belief = dialogue.step(w, ways, seen, t, belief)
        found: Array = fitting * belief
        return found


def observer(reading: Reading, weights: Weights) -> Observer:
    """What looks at turns for these weights."""
    return Observer(reading.towers, weights.request_centre, weights.assistant_centre, weights.turning)


def _rows(names: tuple[str, ...], eligible: list[str]) -> Rows:
    """Where the eligible routes are; a slice where they are all, for it costs no copies."""
    if len(eligible) == len(names):
        return EVERY
    place = {name: row for row, name in enumerate(names)}
    return np.array([place[name] for name in eligible])
