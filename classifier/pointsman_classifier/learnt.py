"""What a policy's examples teach: a logistic regression fitted when its snapshot arrives.

Its kernel adds three likenesses: the cosine of the embeddings, a Gaussian of them (half of each), and the cosine of the
weighted n-grams. The names and descriptions of the routes are examples too.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pointsman_classifier import lexical
from pointsman_classifier.logistic import fit_softmax
from pointsman_classifier.usual import Usual, alike, usual, without_itself
from pointsman_classifier.vectors import unit

Array = npt.NDArray[np.float32]

_LINEAR, GAUSSIAN, _WORDS = 0.5, 0.5, 0.64
WIDTH = 4.0
PENALTY = 5e-4
"""Divided by the number of routes, so that policies of all sizes get logits of one scale."""

_STEPS = 40
_RIDGE = 1e-4
"""Of the kernel: texts that are given twice leave it without a root."""


class Learnt(NamedTuple):
    """A fitted regression. e texts, n routes. A route's logit is the bias, and of a turn's unit vector around `middle`
    the product with `linear` and GAUSSIAN exp(WIDTH (cosine - 1)) of the cosine with each point, times its weight; and
    the product of the turn's n-grams with `words`."""

    middle: Array
    """Mean embedding of the texts, shape (512,)."""
    points: Array
    """The texts around `middle`, unit length: shape (e, 512)."""
    weights: Array
    """Of each text's likeness: shape (e, n)."""
    linear: Array
    """The same folded over the embeddings' cosines: shape (512, n)."""
    words: Array
    """The same folded over the n-grams: shape (BUCKETS, n)."""
    rarity: Array
    bias: Array
    usual: Usual
    """What is learnt of the examples, each without itself."""


def learn(texts: Sequence[str], vectors: Array, owners: npt.NDArray[np.int64], n: int, examples: int) -> Learnt:
    """Fit on texts, their embeddings (e, 512) and the route of each, a number below n. The last ones are `examples`.

    A tenth of a second for a hundred texts; a few seconds of one core for two thousand.
    """
    middle = vectors.mean(axis=0)
    points = unit(vectors - middle)
    index = lexical.index(texts)
    cosines = points @ points.T
    kernel = _LINEAR * cosines + GAUSSIAN * np.exp(WIDTH * (cosines - 1))
    kernel += _WORDS * (index.weighted.T @ index.weighted)
    kernel, targets = kernel.astype(np.float32), np.eye(n, dtype=np.float32)[owners]
    weights, bias = fitted(kernel, targets)
    said = len(texts) - examples
    likeness = vectors[said:] @ vectors[said:].T
    same = np.concatenate([np.arange(said), said + alike(likeness)])
    alone, firsts = without_itself(kernel, kernel @ weights + bias, targets, PENALTY / n * len(texts), same)
    alone, shown = alone[said:], firsts[said:] - said
    return Learnt(
        middle=middle,
        points=points,
        weights=weights,
        linear=_LINEAR * (points.T @ weights),
        words=_WORDS * (index.weighted @ weights),
        rarity=index.rarity,
        bias=bias,
        usual=usual(alone, likeness[np.ix_(shown, shown)], owners[said:][shown]),
    )


def fitted(kernel: Array, targets: Array) -> tuple[Array, Array]:
    """Weights (e, n) and bias (n,) of a softmax regression whose penalty is the weights' norm in the kernel's space.

    Looked for in the coordinates in which that norm is the plain one (the kernel being root @ root.T): in the weights'
    own it takes four times the steps.
    """
    e, n = targets.shape
    root = np.linalg.cholesky(kernel.astype(np.float64) + _RIDGE * np.eye(e))
    inner, bias = fit_softmax(root.astype(np.float32), targets, np.ones(e, np.float32), PENALTY / n, _STEPS)
    return np.linalg.solve(root.T, inner.astype(np.float64)).astype(np.float32), bias.astype(np.float32)
