"""Fits the gain head, and says how well it orders questions of fields and sources that it was not fitted on.

Every part is linear in the embedding and the text's form, so that all of it is one product at run time.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pointsman_classifier.encoder import DIMENSIONS
from pointsman_classifier.form import form_features
from pointsman_classifier.gain import KINDS, mixture, standardised
from pointsman_classifier.logistic import fit_softmax

from train import outcomes
from train.embeddings import EmbeddingCache
from train.measures import apgr, rank_correlation
from train.outcomes import JUDGED, Exams
from train.sources import rows, seed_prompts

Array = npt.NDArray[Any]

_WIDTH = float(np.sqrt(DIMENSIONS)) / 4
"""An embedding's numbers are multiplied by this, to be about a quarter as wide as a standardised form feature."""

_EXAM_PENALTY, _STEPS_PENALTY, _OTHER_PENALTY, _KIND_PENALTY = 2000.0, 100.0, 300.0, 1e-3
_LENGTH = DIMENSIONS
"""Column of the text's length: the first form feature."""

_JUDGED_ONLY = "exam tasks"
"""Questions of llmrouter that no kind is learnt from: told as exams they came out worse (.589 against .604 on all of
llmrouter's tasks), because short questions of common knowledge are better judged by what they are about."""

_SUM_GAIN, _SUM_SLOPE = 0.35, 0.7
"""Gain of a middling sum, and how its logit rises with a standard deviation of the score: assumed, not measured."""

_PRIOR = {
    "mathematics": 0.45,
    "reasoning": 0.45,
    "code": 0.4,
    "extraction": 0.25,
    "translation": 0.15,
    "summarisation": 0.12,
    "question-answering": 0.12,
    "health": 0.12,
    "writing": 0.1,
    "roleplay": 0.1,
    "other": 0.1,
    "chit-chat": 0.02,
}
"""What a strong model gains by category of a seed, 0.2 where not named: a person's judgement, as the seeds are."""


class Linear(NamedTuple):
    """Weights of the inputs, and what is added."""

    weights: Array
    bias: float

    def __call__(self, inputs: Array) -> Array:
        """The values of some inputs."""
        return np.asarray(inputs @ self.weights + self.bias)

    def scaled(self, factor: float, shift: float = 0.0) -> "Linear":
        """Its values times a factor, and a number more."""
        return Linear(self.weights * factor, self.bias * factor + shift)

    def plus(self, other: "Linear") -> "Linear":
        """The sum of both."""
        return Linear(self.weights + other.weights, self.bias + other.bias)

    def standard(self, inputs: Array) -> "Linear":
        """The same order, with mean 0 and standard deviation 1 on some inputs."""
        values = self(inputs)
        return self.scaled(1 / float(values.std()), -float(values.mean() / values.std()))


class Material(NamedTuple):
    """Inputs and targets of every source."""

    exams: Exams
    plain: Array
    choices: Array
    """Inputs of mmlu_pro's questions in their two forms."""
    sums: Array
    steps: Array
    """gsm8k_train: inputs, and log of steps and of calculations, shape (n, 2)."""
    seeds: Array
    prior: Array
    """Seeds: inputs, and the logit of the gain that is expected of them."""
    kinds: dict[str, tuple[int, Array]]
    """More inputs by source, with the kind that they are of, for telling kinds apart only."""
    mean: Array
    scale: Array


def material(data: Path, embed: EmbeddingCache) -> Material:
    """Everything that the head is fitted on."""
    exams, sums = outcomes.exams(data), rows(data / "gsm8k_train" / "train.jsonl")
    told = [row["prompt"] for row in sums]
    forms = np.array([form_features(text) for text in exams.plain + exams.choices + told[::2]], np.float64)
    mean, scale = forms.mean(0), 1 / (forms.std(0) + 1e-3)

    def given(texts: Sequence[str]) -> Array:
        return inputs_of(texts, embed, mean, scale)

    seeds = seed_prompts()
    prior = np.array([_PRIOR.get(s.category, 0.2) * (0.6 + 0.8 * s.difficulty) + 0.05 * s.reasoning for s in seeds])
    more = {
        _JUDGED_ONLY: (0, [row["prompt"] for row in outcomes.tasks(data, outcomes.EXAM_TASKS)]),
        "other tasks": (2, [row["prompt"] for row in outcomes.tasks(data, outcomes.OTHER_TASKS)]),
        "writingbench": (2, [row["prompt"] for row in rows(data / "writingbench" / "writingbench.jsonl")[::2]]),
        "metatool": (2, [row["query"] for row in rows(data / "metatool" / "single_tool_dev.jsonl")[::8]]),
        "xsid": (2, [row["text"] for row in rows(data / "xsid" / "valid_no_zh.jsonl")[::8]]),
    }
    return Material(
        exams,
        given(exams.plain),
        given(exams.choices),
        given(told),
        np.log([[row["n_steps"], 1 + row["n_calc"]] for row in sums]),
        given([s.text for s in seeds]),
        np.log(prior / (1 - prior)),
        {source: (kind, given(texts)) for source, (kind, texts) in more.items()},
        mean,
        scale,
    )


def inputs_of(texts: Sequence[str], embed: EmbeddingCache, mean: Array, scale: Array) -> Array:
    """What every part is linear in, one row per text."""
    form = np.array([form_features(text) for text in texts], np.float64)
    return np.hstack([embed(texts) * _WIDTH, standardised(form, mean, scale)])


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
    parts += [part for source, part in known.kinds.items() if source not in (without, _JUDGED_ONLY)]
    kind = np.concatenate([np.full(len(inputs), k) for k, inputs in parts])
    weight = (1 / np.bincount(kind))[kind]
    return fit_softmax(np.vstack([inputs for _, inputs in parts]), np.eye(len(KINDS))[kind], weight, _KIND_PENALTY)


def arrays(known: Material, own: Linear | None = None) -> dict[str, Array]:
    """The part of the artefact that is the gain head; `own` is what a user's outcomes add."""
    w, b = raw_weights(tell_kinds(known), fit(known, np.arange(len(known.plain))), own)
    w[:DIMENSIONS] *= _WIDTH
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
    length = known.plain[:, _LENGTH]
    score, kinds = np.zeros(n), tell_kinds(known)
    for field in np.unique(known.exams.field):
        out = known.exams.field == field
        w, b = raw_weights(kinds, fit(known, np.flatnonzero(~out)))
        score[out] = mixture(known.plain[out] @ w + b)
    lines = ["gain, APGR on mmlu_pro, groups of fields left out (length alone):"]
    for name, groups in JUDGED.items():
        gained = known.exams.gain(*groups)
        lines.append(f"  {name}: {apgr(score, gained):.3f} ({apgr(length, gained):.3f})")
    names = (_JUDGED_ONLY, "other tasks")
    members = outcomes.tasks(data, outcomes.EXAM_TASKS) + outcomes.tasks(data, outcomes.OTHER_TASKS)
    w, b = raw_weights(kinds, fit(known, np.arange(n)))
    inputs = np.vstack([known.kinds[source][1] for source in names])
    gained = outcomes.task_gain(members)
    lines.append(
        f"gain, APGR on llmrouter, all tasks together, never fitted on its scores: "
        f"{apgr(mixture(inputs @ w + b), gained):.3f} ({apgr(inputs[:, _LENGTH], gained):.3f})"
    )
    fold = np.arange(len(known.sums)) % 5
    told = np.zeros(len(fold))
    for i in range(5):
        told[fold == i] = ridge(known.sums[fold != i], known.steps[fold != i, 0], _STEPS_PENALTY)(known.sums[fold == i])
    lines.append(
        "gain, rank correlation with the steps of gsm8k_train, 5 folds: "
        f"{rank_correlation(told, known.steps[:, 0]):.3f}"
        f" (length {rank_correlation(known.sums[:, _LENGTH], known.steps[:, 0]):.3f})"
    )
    for source, (kind, inputs) in known.kinds.items():
        if source == _JUDGED_ONLY:
            continue
        w, b = tell_kinds(known, source)
        lines.append(f"kinds, {source} left out: {np.mean((inputs @ w + b).argmax(1) == kind):.2f} told right")
    return "\n".join(lines)


def _length(known: Material, weight: float) -> Linear:
    return Linear(weight * (np.arange(known.plain.shape[1]) == _LENGTH), 0.0)


def ridge(inputs: Array, target: Array, penalty: float) -> Linear:
    """Ridge regression with a free intercept."""
    centre = inputs.mean(0)
    x = inputs - centre
    w = np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ (target - target.mean()))
    return Linear(w, float(target.mean() - centre @ w))
