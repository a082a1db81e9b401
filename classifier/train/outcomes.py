"""What the gain head learns from: how well many models did on the same questions."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from train.sources import rows

Array = npt.NDArray[Any]

STRONG = ("gemini-3.1-pro(interim)",)
GOOD = ("Meta-Llama-3_1-70B-Instruct", "gemini-1.5-flash-002")
"""The pair that the gain is calibrated on: they answer 83% and 62% right. Of weaker pairs on exams made to be hard,
what separates them most is what the strong model finds easy, which tells little of ordinary exams."""

JUDGED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "strong/middle": (
        ("gpt-4o(2024-05)", "gemini-1.5-pro-002"),
        ("Meta-Llama-3-70B", "Meta-Llama-3_1-70B", "deepseek(2024-05)", "DeepSeek-Coder-V2", "Qwen1.5-110B"),
    ),
    "strong/weak": (
        ("gpt-4o(2024-05)", "gemini-1.5-pro-002"),
        ("Mixtral-8x7B-Instruct-v0.1", "Yi-34B", "Qwen1.5-72B-Chat"),
    ),
    "best/good": (STRONG, GOOD),
}
"""Groups of models between which the reports choose."""

FIELDS = {
    "chemistry": 0,
    "physics": 0,
    "engineering": 0,
    "math": 1,
    "computer science": 1,
    "biology": 2,
    "psychology": 2,
    "business": 3,
    "economics": 3,
}
"""Categories that are left out of a fit together, being alike."""

EXAM_TASKS = ("arc_challenge", "openbook_qa", "commonsense_qa", "gpqa", "math")
OTHER_TASKS = ("human_eval", "mbpp", "commongen", "agentverse-logicgrid", "natural_qa", "trivia_qa")
"""Tasks of llmrouter by kind. (mmlu and gsm8k are left out: they are benchmarks.)"""


class Exams(NamedTuple):
    """Questions of mmlu_pro, and which of many models answered them right."""

    models: list[str]
    right: Array
    """Shape (questions, models), 0 or 1; an answer that is missing is wrong."""
    field: Array
    """Shape (questions,): the group of FIELDS."""
    plain: list[str]
    choices: list[str]
    """The question alone, and with four of its choices."""

    def gain(self, strong: Sequence[str], weak: Sequence[str]) -> Array:
        """Mean of some models' answers less that of others, shape (questions,)."""
        columns = [[self.models.index(name) for name in names] for names in (strong, weak)]
        return np.asarray(self.right[:, columns[0]].mean(1) - self.right[:, columns[1]].mean(1))

    def hardness(self) -> Array:
        """The logit of the share of models that failed: under the Rasch model all that is known of a question."""
        failed, n = (1 - self.right).sum(1), self.right.shape[1]
        return np.log((failed + 0.5) / (n - failed + 0.5))


def exams(data: Path) -> Exams:
    """All questions that have answers, in the order of the file of answers."""
    questions = {q["question_id"]: q for q in rows(data / "mmlu_pro" / "questions_dev.jsonl")}
    with (data / "mmlu_pro" / "correctness_dev.csv").open(encoding="utf-8", newline="") as file:
        (_, *models), *lines = csv.reader(file)
    known = [questions[int(line[0])] for line in lines]
    right = np.array([[float(mark or 0) for mark in line[1:]] for line in lines])
    field = np.array([FIELDS[q["category"]] for q in known])
    return Exams(models, right, field, [q["question"] for q in known], [_with_choices(q) for q in known])


def _with_choices(question: dict[str, Any]) -> str:
    options = question["options"][:4]
    return "\n".join([question["question"], *(f"{letter}. {o}" for letter, o in zip("ABCD", options, strict=False))])


def tasks(data: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of some tasks of llmrouter: `prompt`, `task`, `scores` by model."""
    return [row for row in rows(data / "llmrouter" / "train_dev.jsonl") if row["task"] in names]


def task_gain(members: Sequence[dict[str, Any]]) -> Array:
    """Mean score of three good models of llmrouter less that of three weak ones."""
    good = ("llama-3.1-nemotron-51b-instruct", "qwen2.5-7b-instruct", "llama-3.3-nemotron-super-49b-v1")
    weak = ("mistral-7b-instruct-v0.3", "gemma-2-9b-it", "codegemma-7b")
    scores = [[[row["scores"].get(name, 0.0) for name in names] for names in (good, weak)] for row in members]
    return np.array([np.mean(g) - np.mean(w) for g, w in scores])
