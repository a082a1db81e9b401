"""The dialogue filter's beliefs through whole dialogues while it learns, their gradients, and one step of Adam."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pointsman_classifier.dialogue import ELSEWHERE, MIDDLE, SIBLING, START, STAY
from pointsman_classifier.heads import softmax

Array = npt.NDArray[Any]

_RATES, _DECAYS = (3e-3, 3e-3, 1.5e-2, 1.5e-2), (0.05, 0.05, 0.0, 0.0)
_LEAST = np.float32(1e-6)


class Learning(NamedTuple):
    """The weights while they learn: those of `Dialogue`, with scales of their own."""

    hidden: Array
    gates: Array
    fits: Array
    evidence: Array


class Turns(NamedTuple):
    """What one step is made from."""

    said: Array
    """Shape (T, 1026)."""
    fits: Array
    """Less their mean over the routes, shape (T, n, FITS)."""
    doing: Array
    siblings: Array
    kept: Array
    """Which hidden units are, shape (T, hidden)."""


def forward(w: Learning, turns: Turns) -> tuple[Array, tuple[Any, ...]]:
    """Beliefs after each turn, and what `backward` needs."""
    active = np.tanh(turns.said @ w.hidden)
    gates = (active * turns.kept) @ w.gates[:-1] + w.gates[-1]
    fits = turns.fits @ w.fits.T + gates[:, None, 3:] * turns.doing[:, None]
    n = len(turns.doing)
    near = turns.siblings + _LEAST
    far = np.maximum(1 - turns.siblings - np.eye(n, dtype=np.float32), 0) + _LEAST
    first = fits[0, :, MIDDLE if turns.said[0, 1024] else START]
    beliefs, tape = [softmax(first)], []
    for t in range(1, len(fits)):
        before = beliefs[-1]
        stay, sibling, elsewhere = fits[t, :, STAY : ELSEWHERE + 1].T
        odds2, odds3 = np.exp(sibling - sibling.max()), np.exp(elsewhere - elsewhere.max())
        sum2, sum3 = near @ odds2, far @ odds3
        fitting = np.stack([stay, np.log(sum2) + sibling.max(), np.log(sum3) + elsewhere.max()])
        logits = gates[t, :3, None] + w.evidence[:, None] * fitting
        way = np.exp(logits - logits.max(axis=0))
        way /= way.sum(axis=0)
        to2, to3 = way[1] * before / sum2, way[2] * before / sum3
        from2, from3 = to2 @ near, to3 @ far
        tape.append((odds2, odds3, sum2, sum3, fitting, way, to2, to3, from2, from3))
        beliefs.append(way[0] * before + odds2 * from2 + odds3 * from3)
    return np.array(beliefs), (active, fits, near, far, tape)


def backward(w: Learning, turns: Turns, kept: tuple[Any, ...], beliefs: Array, toward: Array) -> Learning:
    """Gradients of a loss whose derivatives by the beliefs are `toward`."""
    active, fits, near, far, tape = kept
    d_fits, d_gates, d_evidence = np.zeros_like(fits), np.zeros((len(fits), 8), fits.dtype), np.zeros(3, fits.dtype)
    d = toward[-1]
    for t in range(len(fits) - 1, 0, -1):
        before, (odds2, odds3, sum2, sum3, fitting, way, to2, to3, from2, from3) = beliefs[t - 1], tape[t - 1]
        d_to2, d_to3 = near @ (d * odds2), far @ (d * odds3)
        d_way = np.stack([d * before, d_to2 * before / sum2, d_to3 * before / sum3])
        d_before = d * way[0] + d_to2 * way[1] / sum2 + d_to3 * way[2] / sum3
        d_logits = way * (d_way - (way * d_way).sum(axis=0))
        d_gates[t, :3] = d_logits.sum(axis=1)
        d_evidence += (d_logits * fitting).sum(axis=1)
        d_sum2 = (w.evidence[1] * d_logits[1] - d_to2 * to2) / sum2
        d_sum3 = (w.evidence[2] * d_logits[2] - d_to3 * to3) / sum3
        d_fits[t, :, STAY] = w.evidence[0] * d_logits[0]
        d_fits[t, :, SIBLING] = (d * from2 + d_sum2 @ near) * odds2
        d_fits[t, :, ELSEWHERE] = (d * from3 + d_sum3 @ far) * odds3
        d = d_before + toward[t - 1]
    first = MIDDLE if turns.said[0, 1024] else START
    d_fits[0, :, first] = beliefs[0] * (d - (beliefs[0] * d).sum())
    d_gates[:, 3:] = np.einsum("tne,n->te", d_fits, turns.doing)
    d_active = d_gates @ w.gates[:-1].T * turns.kept
    return Learning(
        turns.said.T @ (d_active * (1 - active * active)),
        np.vstack([(active * turns.kept).T @ d_gates, d_gates.sum(axis=0)]),
        np.einsum("tne,tnf->ef", d_fits, turns.fits),
        d_evidence,
    )


def adam(
    w: Learning, total: Learning, counted: int, moments: Sequence[Learning], number: int, pace: float
) -> tuple[Learning, Learning, Learning]:
    """The weights after one step, and the moments of the gradients."""
    length = np.sqrt(sum(float((part * part).sum()) for part in total)) / counted
    clip = min(1.0, 1 / (length + 1e-9)) / counted
    moved, first, second = [], [], []
    for weights, gradient, m, v, rate, decay in zip(w, total, *moments, _RATES, _DECAYS, strict=True):
        first.append(m + 0.1 * (gradient * clip - m))
        second.append(v + 0.001 * ((gradient * clip) ** 2 - v))
        by = (first[-1] / (1 - 0.9**number)) / (np.sqrt(second[-1] / (1 - 0.999**number)) + 1e-8)
        moved.append((weights * (1 - rate * pace * decay) - rate * pace * by).astype(np.float32))
    return Learning(*moved), Learning(*first), Learning(*second)
