"""What the Python models of the Triton repository do, free of Triton, so that it can be tested without.

The environment there has numpy 1.26 and no onnxruntime; nothing here may ask for more.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pointsman_classifier.tokenizer import HEAD_TOKENS, TAIL_TOKENS, Tokenizer

BUCKETS = (16, 32, 64, 128, HEAD_TOKENS + TAIL_TOKENS + 2)
"""Padded lengths, in pieces. Few, so that requests of about a length meet in a batch; the last takes the longest."""

JUDGEMENT = "judgement"
"""The output that has all others but the embedding side by side."""

SAID = "said"
"""The same for the ensemble's last step: this Triton loses an output that a step also needs when it is not asked for
(its issue 7482)."""

Ids = npt.NDArray[np.int64]


def texts(tensor: npt.NDArray[np.object_]) -> list[str]:
    """The texts of a string tensor of shape (n, 1). What is no UTF-8 is replaced."""
    return [cell.decode("utf-8", "replace") for cell in tensor[:, 0]]


def pieces(tokenizer: Tokenizer, said: Sequence[str]) -> tuple[Ids, Ids]:
    """Piece ids and their mask, both of shape (n, bucket): the least bucket that holds the longest text."""
    rows = [tokenizer.encode(text)[0] for text in said]
    longest = max(map(len, rows), default=0)
    width = next(bucket for bucket in BUCKETS if bucket >= longest)
    ids, mask = np.zeros((len(rows), width), np.int64), np.zeros((len(rows), width), np.int64)
    for row, found in enumerate(rows):
        ids[row, : len(found)] = found
        mask[row, : len(found)] = 1
    return ids, mask
