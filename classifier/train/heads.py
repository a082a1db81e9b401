"""Fits the heads, and says how well they do on what they were not fitted on."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pointsman_classifier.features import text_features
from pointsman_classifier.heads import BINARY, CATEGORIES
from pointsman_classifier.logistic import fit_sigmoid, fit_softmax

from pointsman.core.categories import CATEGORIES_VERSION
from train.embeddings import EmbeddingCache
from train.examples import Example
from train.measures import auc, binary_calibration_error

Array = npt.NDArray[Any]

PENALTY = 6e-5
_SHARE = {"seeds": 15.0, "own": 10.0, "characters": 0.3}
"""Weight of one row of a source; 1 where not named. Rows are then weighted so that every category counts the same."""


class Table(NamedTuple):
    """Inputs and labels of all examples; a label that a source cannot vouch for is NaN."""

    inputs: Array
    category: Array
    labels: Array
    weight: Array
    mean: Array
    scale: Array


LABELS = (*BINARY, "difficulty")


def tabulate(examples: list[Example], embed: EmbeddingCache) -> Table:
    """Embeddings beside standardised surface features, in the order of the examples."""
    features = np.array([text_features(e.text) for e in examples], np.float64)
    mean, scale = features.mean(0), 0.25 / (features.std(0) + 1e-6)
    inputs = np.hstack([embed([e.text for e in examples]), (features - mean) * scale])
    column = {name: i for i, name in enumerate(CATEGORIES)}
    category = np.array([column[e.category] if e.category else -1 for e in examples])
    labels = np.array([[np.nan if getattr(e, n) is None else getattr(e, n) for n in LABELS] for e in examples], float)
    weight = np.array([_SHARE.get(e.source, 1.0) for e in examples])
    return Table(inputs, category, labels, weight, mean, scale)


def fit(table: Table, rows: Array) -> tuple[Array, Array]:
    """Weights (inputs x heads) and biases of all heads, fitted on some rows."""
    known = rows[table.category[rows] >= 0]
    one_hot = np.eye(len(CATEGORIES))[table.category[known]]
    weight = _balanced(table.category[known], table.weight[known])
    w, b = fit_softmax(table.inputs[known], one_hot, weight, PENALTY)
    columns, biases = [w], [b]
    for i in range(len(LABELS)):
        known = rows[~np.isnan(table.labels[rows, i])]
        target = table.labels[known, i]
        weight = table.weight[known]
        if LABELS[i] in BINARY:
            weight = _balanced(target.round().astype(int), weight)
        w1, b1 = fit_sigmoid(table.inputs[known], target, weight, PENALTY)
        columns.append(w1[:, None])
        biases.append(np.array([b1]))
    return np.hstack(columns), np.concatenate(biases)


def held_out(table: Table, seeds: Array, folds: int = 5) -> tuple[Array, Array]:
    """The seeds' rows, and the logits that heads fitted without them give (every fold keeps the other rows)."""
    everything = np.arange(len(table.inputs))
    order, logits = [], []
    for fold in range(folds):
        inside = seeds[fold::folds]
        w, b = fit(table, np.setdiff1d(everything, inside))
        order.append(inside)
        logits.append(table.inputs[inside] @ w + b)
    return np.concatenate(order), np.vstack(logits)


def calibration(table: Table, rows: Array, logits: Array) -> tuple[float, Array, Array]:
    """Temperature of the category head, and scale and offset of each yes-or-no head, from held-out logits."""
    one_hot = np.eye(len(CATEGORIES))[table.category[rows]]
    temperatures = np.arange(0.4, 3.01, 0.05)
    best = min(temperatures, key=lambda t: -float((one_hot * _log_softmax(logits[:, : len(CATEGORIES)] / t)).sum()))
    scales, offsets = np.ones(len(LABELS)), np.zeros(len(LABELS))
    for i in range(len(BINARY)):
        logit, target = logits[:, len(CATEGORIES) + i], table.labels[rows, i]
        w, offsets[i] = fit_sigmoid(logit[:, None], target, np.ones(len(rows)), 1e-3)
        scales[i] = w[0]
    return float(best), scales, offsets


def held_out_categories(table: Table, rows: Array, logits: Array) -> Array:
    """Calibrated category probabilities of held-out rows."""
    temperature, _, _ = calibration(table, rows, logits)
    return np.exp(_log_softmax(logits[:, : len(CATEGORIES)] / temperature)).astype(np.float32)


def arrays(table: Table, rows: Array, logits: Array) -> dict[str, Array]:
    """What the artefact holds: fitted on everything, calibrated on the held-out logits."""
    temperature, scales, offsets = calibration(table, rows, logits)
    w, b = fit(table, np.arange(len(table.inputs)))
    factor = np.concatenate([np.full(len(CATEGORIES), 1 / temperature), scales])
    offset = np.concatenate([np.zeros(len(CATEGORIES)), offsets])
    error = np.abs(1 / (1 + np.exp(-logits[:, -1])) - table.labels[rows, -1]).mean()
    return {
        "weights": (w * factor).astype(np.float16),
        "bias": (b * factor + offset).astype(np.float32),
        "feature_mean": table.mean.astype(np.float32),
        "feature_scale": table.scale.astype(np.float32),
        "difficulty_error": np.array(error, np.float32),
        "categories_version": np.array(CATEGORIES_VERSION),
    }


def report(table: Table, rows: Array, logits: Array) -> str:
    """Held-out figures of the seeds, as lines of text."""
    guess, truth = logits[:, : len(CATEGORIES)].argmax(1), table.category[rows]
    lines = [f"category accuracy {np.mean(guess == truth):.3f} on {len(rows)} held-out seeds"]
    for i, name in enumerate(BINARY):
        target, logit = table.labels[rows, i] > 0.5, logits[:, len(CATEGORIES) + i]
        _, scales, offsets = calibration(table, rows, logits)
        odds = 1 / (1 + np.exp(-(logit * scales[i] + offsets[i])))
        error = binary_calibration_error(odds, target, np.ones(len(odds)))
        lines.append(
            f"{name}: AUC {auc(logit, target):.3f}, positives {target.mean():.2f}, calibration error {error:.3f}"
        )
    value, target = 1 / (1 + np.exp(-logits[:, -1])), table.labels[rows, -1]
    error, correlation = np.abs(value - target).mean(), np.corrcoef(value, target)[0, 1]
    lines.append(f"difficulty: mean error {error:.3f}, correlation {correlation:.2f}")
    return "\n".join(lines)


_LEFT_OUT = (
    ("reasoning", ("llmrouter",)),
    ("reasoning", ("mmlu_pro", "gsm8k", "xsid", "sgd")),
    ("tool_need", ("metatool", "llmrouter")),
    ("tool_need", ("xsid", "writingbench", "gsm8k")),
    ("tool_need", ("sgd", "templates", "mmlu_pro")),
    ("commercial", ("sgd",)),
    ("commercial", ("xsid",)),
)
"""Yes-or-no heads, and sources to leave out together, chosen to hold both answers."""


def report_by_source(table: Table, examples: list[Example]) -> str:
    """What the yes-or-no heads do on whole sources that they were not fitted on, as lines of text."""
    source, lines = np.array([e.source for e in examples]), []
    for name, left in _LEFT_OUT:
        target = table.labels[:, LABELS.index(name)]
        known, out = ~np.isnan(target), np.isin(source, left)
        inside = known & ~out
        weight = _balanced((target[inside] > 0.5).astype(int), table.weight[inside])
        w, b = fit_sigmoid(table.inputs[inside], target[inside], weight, PENALTY)
        tried = known & out
        score, positive = table.inputs[tried] @ w + b, target[tried] > 0.5
        lines.append(f"{name}, {', '.join(left)} left out: AUC {auc(score, positive):.3f} on {tried.sum()} texts")
    return "\n".join(lines)


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))


def _balanced(label: Array, weight: Array) -> Array:
    """Weights rescaled so that every label counts the same."""
    return weight / np.bincount(label, weights=weight)[label]
