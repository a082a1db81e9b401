"""How a conversation goes on among routes that only their descriptions tell: at each turn the user stays with a route,
moves to another of its domain, or elsewhere.

Which of the three, a small network reads from the user's turn and the assistant's before it, together with how well the
routes fit the turn. Where to, routes say by how well they fit, weighed for each of the three, and by how much they *do*
something (book, pay, play) rather than find out: who turns to a subject mostly asks first, and who agrees mostly does.
All of it was learnt through whole dialogues (`classifier/train/dialogue.py`), on services that neither towers nor
scorer had seen.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pointsman_classifier.heads import softmax
from pointsman_classifier.observing import ANSWERED, PLAIN
from pointsman_classifier.routes import Prototypes

Array = npt.NDArray[np.float32]

FITS = PLAIN + ANSWERED + 1
"""What says how well a route fits a turn: the plain columns that are observed, the assistant's, and the logit."""

START, STAY, SIBLING, ELSEWHERE, MIDDLE = range(5)
"""Rows of `Dialogue.fits`: a conversation's first turn, the three ways to go on, and the first turn that is looked at
of a longer conversation."""

_FIRST = 3
"""The gates' columns before those of doing."""

_LEAST = np.float32(1e-6)
_NEAR, _SLOPE = np.float32(0.5), np.float32(10)
_WIDEST = np.float32(2)
_SHARE = np.float32(0.5)


class Dialogue(NamedTuple):
    """The learnt weights. H hidden units."""

    hidden: Array
    """From the embeddings of the user's turn and of the assistant's (0 without one), whether there is one, and a 1:
    shape (1026, H)."""
    gates: Array
    """From the hidden units and a 1 to logits of the three ways, and to what doing counts in each of the five rows of
    `fits`: shape (H + 1, 8)."""
    fits: Array
    """Shape (5, FITS)."""
    evidence: Array
    """How much a way's logit grows with how well the routes that it leads to fit, shape (3,)."""
    doing: Array
    """The direction of doing rather than finding out, with its level at the end: shape (513,)."""


def from_arrays(arrays: Mapping[str, Array]) -> Dialogue:
    """The weights from an artefact's arrays, named like `dialogue_hidden`."""
    return Dialogue(*(arrays[f"dialogue_{part}"] for part in Dialogue._fields))


def to_arrays(weights: Dialogue) -> dict[str, Array]:
    """The reverse of `from_arrays`."""
    return {f"dialogue_{part}": array for part, array in weights._asdict().items()}


class Ways(NamedTuple):
    """A policy's routes as the filter needs them. n routes."""

    doing: Array
    """How much each route does something, from -2 to 2: shape (n,)."""
    siblings: Array
    """How much of one domain the routes are, 0 to 1, its diagonal 0: shape (n, n)."""
    share: np.float32
    """How much the filter counts beside the scorer at a conversation's first turn."""

    def among(self, rows: npt.NDArray[np.int64] | slice) -> "Ways":
        """Some of the routes."""
        return Ways(self.doing[rows], self.siblings[rows][:, rows], self.share)


def ways(routes: Prototypes, doing: Array) -> Ways:
    """Arrange a policy's routes; `doing` is the weights'. Of routes without a domain, near ones count as of one."""
    does = (routes.title + routes.description) / 2 @ doing[:-1] + doing[-1]
    nameless = np.array([not domain for domain in routes.domains], np.float32)
    near = nameless[:, None] * nameless / (1 + np.exp(_SLOPE * (_NEAR - routes.near)))
    siblings = np.maximum(routes.siblings.astype(np.float32), near)
    np.fill_diagonal(siblings, 0)
    related = np.float32(routes.siblings.any(axis=1).mean())
    return Ways(np.clip(does, -_WIDEST, _WIDEST).astype(np.float32), siblings.astype(np.float32), _SHARE * related)


class Going(NamedTuple):
    """What the turns of one conversation say, T turns."""

    fits: Array
    """Shape (T, 5, n)."""
    gates: Array
    """Logits of the three ways, shape (T, 3)."""
    opens: bool
    """Whether the first turn is the conversation's first."""


def going(weights: Dialogue, among: Ways, users: Array, answers: Array, columns: Array, logits: Array) -> Going:
    """Look at all turns: embeddings of users' and assistants' turns (rows of zeros for none), both (T, 512), and what
    was observed of them and the scorer's logits, (T, COLUMNS, n) and (T, n)."""
    answered: Array = (np.einsum("td,td->t", answers, answers) > 0).astype(np.float32)
    inner: Array = users @ weights.hidden[:512] + answers @ weights.hidden[512:1024]
    inner += answered[:, None] * weights.hidden[1024] + weights.hidden[1025]
    gates: Array = np.tanh(inner) @ weights.gates[:-1] + weights.gates[-1]
    fits: Array = weights.fits[:, :PLAIN] @ columns[:, :PLAIN]
    fits += weights.fits[:, PLAIN:-1] @ columns[:, -ANSWERED:]
    fits += weights.fits[:, -1:] * logits[:, None]
    fits -= np.add.reduce(fits, axis=2, keepdims=True) / np.float32(fits.shape[2])
    fits += gates[:, _FIRST:, None] * among.doing
    return Going(fits, gates[:, :_FIRST], not answered[0])


def opening(seen: Going, alone: Array, share: np.float32) -> Array:
    """What is believed after the first turn: at a conversation's start the scorer's word, `alone`, counts too."""
    if not seen.opens:
        return softmax(seen.fits[0, MIDDLE])
    if share == 0:
        return alone
    return softmax(share * seen.fits[0, START] + (1 - share) * np.log(alone + _LEAST))


def step(weights: Dialogue, among: Ways, seen: Going, t: int, belief: Array) -> Array:
    """What is believed of the routes after turn `t`, at least 1, from what was before it; both sum to 1."""
    stay, sibling, elsewhere = seen.fits[t, STAY : ELSEWHERE + 1]
    tops = sibling.max(), elsewhere.max()
    near, far = np.exp(sibling - tops[0]), np.exp(elsewhere - tops[1])
    there = among.siblings @ near + _LEAST * near.sum()
    apart = np.maximum(1 - among.siblings - np.eye(len(belief), dtype=np.float32), 0)
    beyond = apart @ far + _LEAST * far.sum()
    fitting = np.stack([stay, np.log(there) + tops[0], np.log(beyond) + tops[1]])
    odds = seen.gates[t][:, None] + weights.evidence[:, None] * fitting
    odds = np.exp(odds - odds.max(axis=0))
    odds *= belief / odds.sum(axis=0)
    to_near, to_far = odds[1] / there, odds[2] / beyond
    moved = near * (to_near @ among.siblings + _LEAST * to_near.sum())
    moved += far * (to_far @ apart + _LEAST * to_far.sum())
    moved += odds[0]
    found: Array = moved / moved.sum()
    return found
