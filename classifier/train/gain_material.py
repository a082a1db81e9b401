"""What the gain head is fitted on: exam questions, sums told in words, and everything else, as one kind of input."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pointsman_classifier.encoder import DIMENSIONS
from pointsman_classifier.form import form_features
from pointsman_classifier.gain import standardised

from train import outcomes
from train.embeddings import EmbeddingCache
from train.outcomes import Exams
from train.sources import rows, seed_prompts

Array = npt.NDArray[Any]

WIDTH = float(np.sqrt(DIMENSIONS)) / 4
"""An embedding's numbers are multiplied by this, to be about a quarter as wide as a standardised form feature."""

LENGTH = DIMENSIONS
"""Column of the text's length: the first form feature."""

JUDGED_ONLY = "exam tasks"
"""Questions of llmrouter that no kind is learnt from: told as exams they came out worse (.589 against .604 on all of
llmrouter's tasks), because short questions of common knowledge are better judged by what they are about."""

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
        JUDGED_ONLY: (0, [row["prompt"] for row in outcomes.tasks(data, outcomes.EXAM_TASKS)]),
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
    return np.hstack([embed(texts) * WIDTH, standardised(form, mean, scale)])
