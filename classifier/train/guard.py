"""Fits the guard scores, and says what they do on sources that they were not fitted on."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pointsman_classifier.encoder import DIMENSIONS
from pointsman_classifier.guard import GUARD, PATTERNS, pattern_features
from pointsman_classifier.logistic import fit_sigmoid

from train.embeddings import EmbeddingCache
from train.guard_prompts import ORDINARY, Prompt
from train.measures import auc, binary_calibration_error

Array = npt.NDArray[Any]

_STEPS = 80
"""Of the minimiser: more do not change an order."""
_PENALTY = {"injection": 1e-4, "jailbreak": 1e-4, "pii": 3e-5}
_BASE_RATE = 0.1
"""The share of attacks, and of prompts with personal data, that the probabilities are meant for."""


class Table(NamedTuple):
    """Inputs (embedding, then patterns) and labels, NaN where unknown, shape (n, 3)."""

    inputs: Array
    labels: Array
    source: Array


def tabulate(prompts: list[Prompt], embed: EmbeddingCache) -> Table:
    """In the order of the prompts."""
    patterns = np.array([pattern_features(p.text) for p in prompts], np.float64)
    labels = np.array([[np.nan if getattr(p, name) is None else getattr(p, name) for name in GUARD] for p in prompts])
    inputs = np.hstack([embed([p.text for p in prompts]), patterns])
    return Table(inputs, labels.astype(float), np.array([p.source for p in prompts]))


def fit(table: Table, index: int, left: tuple[str, ...] = ()) -> tuple[Array, float]:
    """Weights and bias of one score, with positives and negatives in balance, which orders best."""
    inside = ~np.isnan(table.labels[:, index]) & ~np.isin(table.source, left)
    target = table.labels[inside, index]
    weight = np.where(target > 0.5, 0.5 / target.mean(), 0.5 / (1 - target.mean()))
    columns = _columns(GUARD[index])
    w, b = fit_sigmoid(table.inputs[inside][:, columns], target, weight, _PENALTY[GUARD[index]], _STEPS)
    whole = np.zeros(table.inputs.shape[1])
    whole[columns] = w
    return whole, b


def _columns(name: str) -> Array:
    return np.arange(DIMENSIONS + (PATTERNS if name == "pii" else 0))


def held_out(table: Table, index: int) -> Array:
    """Logits of every prompt by fits without its source; ordinary sources are left out in two halves."""
    logits = np.full(len(table.source), np.nan)
    for left in _groups(table, index):
        out = np.isin(table.source, left)
        w, b = fit(table, index, left)
        logits[out] = table.inputs[out] @ w + b
    return logits


def _groups(table: Table, index: int) -> list[tuple[str, ...]]:
    """Sources to leave out together: each that has positives alone, the ordinary ones in two halves, then the rest."""
    positive = sorted(set(table.source[table.labels[:, index] > 0.5]))
    rest = sorted(set(table.source) - set(positive) - set(ORDINARY))
    return [*((source,) for source in positive), ORDINARY[::2], ORDINARY[1::2], *([tuple(rest)] if rest else [])]


def arrays(table: Table) -> tuple[dict[str, Array], str]:
    """The part of the artefact that is the guard, calibrated on held-out logits as if
    positives were as rare as _BASE_RATE says, and its figures."""
    weights, biases, lines = [], [], [_without_the_wild(table)]
    for index, name in enumerate(GUARD):
        logits, target = held_out(table, index), table.labels[:, index]
        known = ~np.isnan(target)
        positive = target[known] > 0.5
        weight = np.where(positive, _BASE_RATE / positive.mean(), (1 - _BASE_RATE) / (1 - positive.mean()))
        scale, offset = fit_sigmoid(logits[known][:, None], target[known], weight, 1e-4)
        w, b = fit(table, index)
        weights.append(w * scale[0])
        biases.append(b * scale[0] + offset)
        lines += _figures(name, table.source[known], logits[known] * scale[0] + offset, positive, weight)
    block = np.stack(weights, 1).astype(np.float16)
    return {"guard_weights": block, "guard_bias": np.array(biases, np.float32)}, "\n".join(lines)


def _without_the_wild(table: Table) -> str:
    """How well jailbreaks in the wild are told by the short ones of the other sources alone."""
    wild = np.char.startswith(table.source, "in the wild")
    w, b = fit(table, GUARD.index("jailbreak"), (*set(table.source[wild]), *ORDINARY[::2]))
    tried = wild | np.isin(table.source, ORDINARY[::2])
    return f"jailbreak, all in the wild left out: AUC {auc(table.inputs[tried] @ w + b, wild[tried]):.3f}"


def _figures(name: str, source: Array, logits: Array, positive: Array, weight: Array) -> list[str]:
    """Each source by fits without it: attacks against all ordinary prompts, and how many of those are marked."""
    ordinary = np.isin(source, ORDINARY)
    odds = 1 / (1 + np.exp(-logits))
    lines = [f"{name}: calibration error {binary_calibration_error(odds, positive, weight):.3f} at {_BASE_RATE:.0%}"]
    for each in sorted(set(source[positive])):
        own = (source == each) & positive
        rows_ = own | ordinary
        tried = f"  {each}: AUC against ordinary prompts {auc(logits[rows_], positive[rows_]):.3f}"
        near = (source == each) & ~positive
        if near.any():
            tried += f", against its own harmless ones {auc(logits[own | near], positive[own | near]):.3f}"
        lines.append(f"{tried}; {np.mean(odds[own] >= 0.5):.0%} of {own.sum()} at 0.5 or above")
    marked = ", ".join(f"{s} {np.mean(odds[source == s] >= 0.5):.1%}" for s in ORDINARY if (source == s).any())
    return [*lines, f"  ordinary prompts at 0.5 or above: {marked}"]
