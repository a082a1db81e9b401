"""A policy's routes, arranged so that little is left to do for a turn: its embedding is multiplied by one matrix."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pointsman_classifier import lexical
from pointsman_classifier.learnt import GAUSSIAN
from pointsman_classifier.routes import Prototypes
from pointsman_classifier.usual import Usual

Array = npt.NDArray[np.float32]

_SMOOTHING = 0.03
_BEST = 3
_NO_COSINE = 9.0


class View(NamedTuple):
    """A policy's routes, ready to be compared with turns. n routes, e examples of all of them."""

    names: tuple[str, ...]
    rows: Array
    """Unit vectors and weights, shape (r, 512): `full`, `description`, `title` and `centred` of all routes, then, with
    examples, centroids, examples, and the points and linear weights of what was learnt."""
    owners: npt.NDArray[np.int64]
    """Which of `centres` each row is around, shape (r,)."""
    centres: Array
    """Nothing, the requests' centre, the middle of the routes' texts, and of what was learnt of: shape (4, 512)."""
    levels: Array
    """Of each row, its product with its centre: shape (r,)."""
    answer_level: Array
    """The same of `centred` with the centre of assistants' turns, shape (n,)."""
    lexicon: lexical.Lexicon
    categories: Array
    """Smoothed category probabilities times the number of categories, shape (n, 16)."""
    shared: Array
    familiarity: Array
    has: Array
    """1 for a route with examples, else 0: shape (n,)."""
    slots: npt.NDArray[np.int64]
    """See `Prototypes`."""
    absent: Array
    """0 for each slot with an example, and less than any cosine for the others: the shape of `slots`."""
    shares: Array
    """Of each of a route's best examples in their mean, 0 for those it does not have: shape (n, at most 3)."""
    kernel: Array
    """What was learnt: weight of the Gaussian likeness with each text, shape (texts, n)."""
    bias: Array
    usual: Usual | None
    """What the examples look like; None without any."""
    size: np.float32
    """What the number of routes adds to what was learnt."""
    examples_a_route: float
    diversity: float
    """How much the routes' categories differ: 0 when they are all of one, 1 when no two share any."""
    near: Array
    siblings: npt.NDArray[np.bool_]


def view(routes: Prototypes, request_centre: Array, assistant_centre: Array) -> View:
    """Arrange a policy's routes; the centres are those of `folding.Weights`."""
    n = len(routes.names)
    learnt, plain = routes.learnt, [routes.full, routes.description, routes.title, routes.centred]
    blocks, around = plain, [0, 0, 0, 1]
    tables: list[tuple[Array, Array]] = [routes.words]
    kernel, bias, middles = np.empty((0, n), np.float32), np.zeros(n, np.float32), np.zeros((2, 512), np.float32)
    if learnt is not None:
        blocks = [*plain, routes.centroids, routes.examples, learnt.points, learnt.linear.T]
        around += [2, 0, 3, 3]
        tables.append((learnt.words, learnt.rarity))
        kernel, bias, middles = GAUSSIAN * learnt.weights, learnt.bias, np.stack([routes.middle, learnt.middle])
    rows, owners = np.vstack(blocks), np.repeat(around, [len(block) for block in blocks])
    centres = np.vstack([np.zeros(512, np.float32), request_centre, middles])
    smoothed = smooth(routes.categories)
    places = np.arange(routes.slots.shape[1])
    there = (places < routes.example_counts[:, None]).astype(np.float32)
    counted = np.clip(routes.example_counts, 1, _BEST)[:, None].astype(np.float32)
    return View(
        names=routes.names,
        rows=rows,
        owners=owners,
        centres=centres,
        levels=np.einsum("rd,rd->r", rows, centres[owners]),
        answer_level=routes.centred @ assistant_centre,
        lexicon=lexical.Lexicon(*tables),
        categories=np.float32(smoothed.shape[1]) * smoothed,
        shared=routes.shared,
        familiarity=routes.familiarity,
        has=(routes.example_counts > 0).astype(np.float32),
        slots=routes.slots,
        absent=(there - 1) * np.float32(_NO_COSINE),
        shares=there[:, :_BEST] / counted,
        kernel=kernel,
        bias=bias,
        usual=learnt.usual if learnt is not None else None,
        size=np.float32(np.log(n) / 5),
        examples_a_route=float(routes.example_counts.mean()),
        diversity=_diversity(routes.categories),
        near=routes.near,
        siblings=routes.siblings,
    )


def smooth(categories: Array) -> Array:
    """Category probabilities without zeros, so that a wrong certainty costs no more than it should."""
    smoothed: Array = (1 - _SMOOTHING) * categories + np.float32(_SMOOTHING / categories.shape[-1])
    return smoothed


def _diversity(categories: Array) -> float:
    n = len(categories)
    if n < 2:
        return 1.0
    total = categories.sum(axis=0)
    return 1.0 - float(total @ total - (categories * categories).sum()) / (n * (n - 1))
