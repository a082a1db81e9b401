"""Fits the gain head, and says how well it orders questions of fields and sources that it was not fitted on.

Every part is linear in the embedding and the text's form, so that all of it is one product at run time.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pointsman_classifier.encoder import DIMENSIONS
from pointsman_classifier.gain import KINDS, mixture
from pointsman_classifier.logistic import fit_softmax

from train import outcomes
from train.gain_material import JUDGED_ONLY, LENGTH, WIDTH, Material
from train.linear import Linear, ridge
from train.measures import apgr, rank_correlation
from train.outcomes import JUDGED

Array = npt.NDArray[Any]

_EXAM_PENALTY, _STEPS_PENALTY, _OTHER_PENALTY, _KIND_PENALTY = 2000.0, 100.0, 300.0, 1e-3
_SUM_GAIN, _SUM_SLOPE = 0.35, 0.7
"""Gain of a middling sum, and how its logit rises with a standard deviation of the score: assumed, not measured."""


def fit(known: Material, questions: Array) -> list[Linear]:
    """The logits of the gain as each of KINDS, fitted on some of mmlu_pro's questions and everything else."""
    other = ridge(known.seeds[:, :DIMENSIONS], known.prior, _OTHER_PENALTY)
    other = Linear(np.append(other.weights, np.zeros(known.plain.shape[1] - DIMENSIONS)), other.bias)
    exam = _exam(known, questions, other)
    steps = [ridge(known.sums, known.steps[:, i], _STEPS_PENALTY).standard(known.sums) for i in (0, 1)]
    told = steps[0].plus(steps[1].scaled(0.4)).plus(_length(known, 0.3)).plus(exam.standard(known.sums).scaled(0.3))
    told = told.standard(known.sums).scaled(_SUM_SLOPE, float(np.log(_SUM_GAIN / (1 - _SUM_GAIN))))
    gained = known.exams.gain(*JUDGED["best/good"])
    held = _cross_fitted(known, questions, other)
    slope = float(np.cov(held, gained[questions])[0, 1] / held.var())
    level = float(gained.mean())  # of all questions: a mean without a field would rank that field against its own
    spread = level * (1 - level)
    return [exam.scaled(slope / spread, float(np.log(level / (1 - level)))), told, other]


def _exam(known: Material, questions: Array, other: Linear) -> Linear:
    """Hardness, gain of the pair, length and what the seeds expect, each standardised, and so their sum."""
    inputs = np.vstack([known.plain[questions], known.choices[questions]])
    score = _length(known, 0.3).plus(other.standard(inputs).scaled(0.6))
    for target, weight in ((known.exams.hardness(), 1.0), (known.exams.gain(*JUDGED["best/good"]), 0.5)):
        fitted = ridge(inputs, np.tile(target[questions], 2) / target.std(), _EXAM_PENALTY)
        score = score.plus(fitted.standard(inputs).scaled(weight))
    return score.standard(inputs)


def _cross_fitted(known: Material, questions: Array, other: Linear) -> Array:
    """Scores of questions by fits that left out their field."""
    scores = np.zeros(len(questions))
    for field in np.unique(known.exams.field[questions]):
        out = known.exams.field[questions] == field
        scores[out] = _exam(known, questions[~out], other)(known.plain[questions[out]])
    return scores


def tell_kinds(known: Material, without: str = "") -> tuple[Array, Array]:
    """Weights and bias of the logits of KINDS; every kind counts the same."""
    parts = [(0, known.plain[::4]), (0, known.choices[1::4]), (1, known.sums[::4]), (2, known.seeds)]
    parts += [part for source, part in known.kinds.items() if source not in (without, JUDGED_ONLY)]
    kind = np.concatenate([np.full(len(inputs), k) for k, inputs in parts])
    weight = (1 / np.bincount(kind))[kind]
    return fit_softmax(np.vstack([inputs for _, inputs in parts]), np.eye(len(KINDS))[kind], weight, _KIND_PENALTY)


def arrays(known: Material, own: Linear | None = None) -> dict[str, Array]:
    """The part of the artefact that is the gain head; `own` is what a user's outcomes add."""
    w, b = raw_weights(tell_kinds(known), fit(known, np.arange(len(known.plain))), own)
    w[:DIMENSIONS] *= WIDTH
    return {
        "gain_weights": w.astype(np.float16),
        "gain_bias": b.astype(np.float32),
        "gain_form_mean": known.mean.astype(np.float32),
        "gain_form_scale": known.scale.astype(np.float32),
    }


def raw_weights(kinds: tuple[Array, Array], parts: list[Linear], own: Linear | None = None) -> tuple[Array, Array]:
    """Weights and biases of the raw outputs that `mixture` takes, from what `tell_kinds` and `fit` give."""
    weights, bias = kinds
    columns = [*parts, own or Linear(np.zeros(len(weights)), 0.0)]
    return np.column_stack([weights, *(c.weights for c in columns)]), np.append(bias, [c.bias for c in columns])


def report(known: Material, data: Path) -> str:
    """Figures on what was left out, as lines of text."""
    n = len(known.plain)
    length = known.plain[:, LENGTH]
    score, kinds = np.zeros(n), tell_kinds(known)
    for field in np.unique(known.exams.field):
        out = known.exams.field == field
        w, b = raw_weights(kinds, fit(known, np.flatnonzero(~out)))
        score[out] = mixture(known.plain[out] @ w + b)
    lines = ["gain, APGR on mmlu_pro, groups of fields left out (length alone):"]
    for name, groups in JUDGED.items():
        gained = known.exams.gain(*groups)
        lines.append(f"  {name}: {apgr(score, gained):.3f} ({apgr(length, gained):.3f})")
    names = (JUDGED_ONLY, "other tasks")
    members = outcomes.tasks(data, outcomes.EXAM_TASKS) + outcomes.tasks(data, outcomes.OTHER_TASKS)
    w, b = raw_weights(kinds, fit(known, np.arange(n)))
    inputs = np.vstack([known.kinds[source][1] for source in names])
    gained = outcomes.task_gain(members)
    lines.append(
        f"gain, APGR on llmrouter, all tasks together, never fitted on its scores: "
        f"{apgr(mixture(inputs @ w + b), gained):.3f} ({apgr(inputs[:, LENGTH], gained):.3f})"
    )
    fold = np.arange(len(known.sums)) % 5
    told = np.zeros(len(fold))
    for i in range(5):
        told[fold == i] = ridge(known.sums[fold != i], known.steps[fold != i, 0], _STEPS_PENALTY)(known.sums[fold == i])
    lines.append(
        "gain, rank correlation with the steps of gsm8k_train, 5 folds: "
        f"{rank_correlation(told, known.steps[:, 0]):.3f}"
        f" (length {rank_correlation(known.sums[:, LENGTH], known.steps[:, 0]):.3f})"
    )
    for source, (kind, inputs) in known.kinds.items():
        if source == JUDGED_ONLY:
            continue
        w, b = tell_kinds(known, source)
        lines.append(f"kinds, {source} left out: {np.mean((inputs @ w + b).argmax(1) == kind):.2f} told right")
    return "\n".join(lines)


def _length(known: Material, weight: float) -> Linear:
    return Linear(weight * (np.arange(known.plain.shape[1]) == LENGTH), 0.0)
