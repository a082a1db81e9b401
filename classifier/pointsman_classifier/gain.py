"""How much a strong model's answer gains on a weak one's.

Not difficulty: what every model answers gains nothing, and what none can answer gains nothing either. Three kinds of
request are judged each in its own way (exam questions, sums told in words, everything else), weighted by how likely
the request is of each kind. `docs/decisions/classifier-difficulty.md` says what else was tried.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

KINDS = ("exam", "sum", "other")
"""The kinds of request, in the order of the columns."""

WIDEST = 3.0
"""A feature counts as at most so many standard deviations from the mean of the training texts."""


def standardised(form: Array, mean: Array, scale: Array) -> Array:
    """Form features as the heads take them; any shape (…, COUNT)."""
    clipped: Array = np.clip((form - mean) * scale, -WIDEST, WIDEST)
    return clipped


def mixture(raw: Array) -> Array:
    """The gain of raw outputs (…, 7): logits of the kinds, logits of the gain as each kind, and what a user's own
    outcomes add to the latter."""
    n = len(KINDS)
    share = np.exp(raw[..., :n] - raw[..., :n].max(axis=-1, keepdims=True))
    logits = raw[..., n : 2 * n] + raw[..., 2 * n :]
    gains = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    expected: Array = (share * gains).sum(axis=-1) / share.sum(axis=-1)
    return expected
