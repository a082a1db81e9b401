"""How near each turn of a conversation is to each route of a policy, in every sense that the scorer weighs.

All turns of a conversation are looked at together: what costs here is the number of steps, not their size.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pointsman_classifier.exchange import Exchange
from pointsman_classifier.learnt import WIDTH
from pointsman_classifier.towers import JoinedTower, Towers
from pointsman_classifier.view import View, smooth

Array = npt.NDArray[np.float32]

PLAIN, SHOWN, ANSWERED = 8, 5, 4
"""Columns of what is observed of every route, of its examples, and of the assistant's turn."""

FULL, CENTRED, WORDS, AGREEMENT, TOWERS = 0, 3, 4, 5, 6
BEST, MEAN, CENTROID, LEARNT, LEARNT_BY_SIZE = range(PLAIN, PLAIN + SHOWN)
COLUMNS = PLAIN + SHOWN + ANSWERED


class Seen(NamedTuple):
    """What is observed of T exchanges and n routes."""

    columns: Array
    """Shape (T, COLUMNS, n). What a route has no examples for, or an exchange no assistant's turn, is 0."""
    opening: npt.NDArray[np.bool_]
    """Whether no assistant's turn came before, shape (T,)."""
    turning: Array
    """Logits of `Observer`'s `turning`, shape (T, 2)."""


class Observer:
    """Immutable, so thread-safe."""

    def __init__(self, towers: Towers, request_centre: Array, assistant_centre: Array, turning: Array) -> None:
        """`turning` has the shape (1025, 2): see `folding.Weights`."""
        self._assistant_centre = assistant_centre
        self._user = JoinedTower(towers.user, towers.centre)
        self._assistant = JoinedTower(towers.assistant, towers.centre)
        self._turning_user, self._turning_assistant = turning[:512], turning[512:1024]
        self._turning_level = turning[1024] - request_centre @ self._turning_user
        self._turning_answered = -assistant_centre @ self._turning_assistant

    def observe(self, exchanges: Sequence[Exchange], view: View) -> Seen:
        """Look at some exchanges, all at once."""
        n = len(view.names)
        answered = [t for t, exchange in enumerate(exchanges) if exchange.assistant is not None]
        users = np.array([exchange.vector for exchange in exchanges])
        texts = [exchange.text for exchange in exchanges] + [exchanges[t].assistant_text for t in answered]
        wording = view.lexicon.products(texts)
        columns = np.zeros((len(exchanges), COLUMNS, n), np.float32)
        likeness = _around(users, view)
        columns[:, : CENTRED + 1] = likeness[:, : (CENTRED + 1) * n].reshape(len(users), CENTRED + 1, n)
        columns[:, WORDS] = wording[: len(users), :n]
        columns[:, AGREEMENT] = _agreement(np.array([exchange.category for exchange in exchanges]), view)
        _look_at_towers(self._user(users), view, columns[:, TOWERS : TOWERS + 2])
        if len(view.kernel):
            _look_at_examples(likeness[:, (CENTRED + 1) * n :], wording[: len(users), n:], view, columns)
        turning = users @ self._turning_user + self._turning_level
        opening = np.ones(len(users), np.bool_)
        if answered:
            answers = np.array([exchanges[t].assistant for t in answered])
            columns[answered, -ANSWERED:] = self._of_answers(answers, wording[len(users) :, :n], view)
            turning[answered] += answers @ self._turning_assistant + self._turning_answered
            opening[answered] = False
        return Seen(columns, opening, turning)

    def _of_answers(self, answers: Array, wording: Array, view: View) -> Array:
        """The columns of some assistant's turns, shape (turns, ANSWERED, n)."""
        n = len(view.names)
        columns = np.empty((len(answers), ANSWERED, n), np.float32)
        apart = answers - self._assistant_centre
        norms = np.sqrt(np.einsum("td,td->t", apart, apart))[:, None] + np.float32(1e-6)
        columns[:, 0] = (answers @ view.rows[CENTRED * n : (CENTRED + 1) * n].T - view.answer_level) / norms
        columns[:, 1] = wording
        _look_at_towers(self._assistant(answers), view, columns[:, 2:])
        return columns


def _around(users: Array, view: View) -> Array:
    """Products with all rows, each around its centre and of unit length where it has one: shape (T, r)."""
    apart = users[:, None] - view.centres
    norms = np.sqrt(np.einsum("tcd,tcd->tc", apart, apart)) + np.float32(1e-6)
    norms[:, 0] = 1
    likeness: Array = (users @ view.rows.T - view.levels) / norms.take(view.owners, axis=1)
    return likeness


def _agreement(requests: Array, view: View) -> Array:
    """Log of how much likelier request and route are of one category than by chance; 0 tells nothing."""
    agreement: Array = np.log(smooth(requests) @ view.categories.T)
    return agreement


def _look_at_towers(vectors: Array, view: View, out: Array) -> None:
    """Cosines in the towers' space, of familiar and of unfamiliar routes: shape (T, 2, n)."""
    cosines = vectors @ view.shared.T
    cosines -= np.add.reduce(cosines, axis=1, keepdims=True) / cosines.shape[1]  # so that neither kind is ahead
    np.multiply(cosines, view.familiarity, out=out[:, 0])
    np.subtract(cosines, out[:, 0], out=out[:, 1])


def _look_at_examples(likeness: Array, wording: Array, view: View, columns: Array) -> None:
    """Best and mean-of-best-three cosines with a route's examples, and what was learnt of them."""
    n, texts = len(view.names), len(view.kernel)
    centroids, examples = likeness[:, :n], likeness[:, n : -texts - n]
    points, linear = likeness[:, -texts - n : -n], likeness[:, -n:]
    best = examples.take(view.slots, axis=1, mode="clip") + view.absent
    best.sort(axis=2)
    best = best[:, :, : -1 - view.shares.shape[1] : -1]
    learnt = np.exp(WIDTH * points - WIDTH) @ view.kernel + linear + (wording + view.bias)
    np.multiply(best[:, :, 0], view.has, out=columns[:, BEST])
    np.einsum("tnk,nk->tn", best, view.shares, out=columns[:, MEAN])
    columns[:, CENTROID] = centroids
    columns[:, LEARNT] = learnt
    np.multiply(learnt, view.size, out=columns[:, LEARNT_BY_SIZE])
