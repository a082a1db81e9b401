"""How well models answered prompts: pairs of a strong and a weak one, and many with their prices."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from train.cases.files import Outcome, OutcomeSet
from train.sources import rows

_PAIRS = (
    ("mmlu-pro", "gpt-4o(2024-05)", "Mixtral-8x7B-Instruct-v0.1"),
    ("mmlu-pro-small", "Meta-Llama-3_1-70B-Instruct", "Meta-Llama-3_1-8B-Instruct"),
)
"""Name, strong and weak model."""

_CHAT_MODELS = (
    "Meta-Llama-3_1-70B-Instruct",
    "Meta-Llama-3_1-8B-Instruct",
    "Mistral-7B-Instruct-v0.2",
    "Mixtral-8x7B-Instruct-v0.1",
    "Phi-3-mini-4k-instruct",
    "gemini-1.5-flash-002",
    "mathstral-7B",
)

_LEFT_OUT = frozenset({"gsm8k", "mmlu"})
"""Tasks that are benchmarks themselves."""

_TASKS = {
    "llmrouter-exam": ("arc_challenge", "commonsense_qa", "gpqa", "openbook_qa"),
    "llmrouter-math": ("math",),
    "llmrouter-facts": ("natural_qa", "trivia_qa"),
    "llmrouter-code": ("human_eval", "mbpp"),
}
_STRONG, _WEAK = "llama-3.3-nemotron-super-49b-v1", "mistral-7b-instruct-v0.3"


def sets(data: Path) -> list[OutcomeSet]:
    """All sets of this kind."""
    return [*_exams(data), *_benchmarks(data), _steps(data)]


def _exams(data: Path) -> list[OutcomeSet]:
    """Exam questions with their options, as they are asked."""
    with (data / "mmlu_pro" / "correctness_dev.csv").open(encoding="utf-8") as file:
        marks = {row["question_id"]: row for row in csv.DictReader(file)}
    questions = [q for q in rows(data / "mmlu_pro" / "questions_dev.jsonl") if str(q["question_id"]) in marks]

    def outcomes(models: Sequence[str], step: int) -> list[Outcome]:
        found = []
        for question in questions[::step]:
            row = marks[str(question["question_id"])]
            if all(row[model] for model in models):
                options = "\n".join(f"{'ABCDEFGHIJ'[i]}. {text}" for i, text in enumerate(question["options"]))
                quality = {model: float(row[model]) for model in models}
                found.append(Outcome(f"{question['question']}\n{options}", quality, question["category"]))
        return found

    pairs = [
        OutcomeSet(name, f"exam questions, {strong} or {weak}", ("mmlu_pro",), outcomes((strong, weak), 1 + i))
        for i, (name, strong, weak) in enumerate(_PAIRS)
    ]
    many = OutcomeSet("mmlu-pro-many", "exam questions, 7 models", ("mmlu_pro",), outcomes(_CHAT_MODELS, 3))
    return [*pairs, many]


def _benchmarks(data: Path) -> list[OutcomeSet]:
    """Nine models with prices per million tokens on tasks of many kinds, and a pair on each kind."""
    prices = json.loads((data / "llmrouter" / "llm_prices.json").read_text("utf-8"))
    files = ("train_dev.jsonl", "test_dev.jsonl")
    asked = [row for file in files for row in rows(data / "llmrouter" / file) if row["task"] not in _LEFT_OUT]
    models = sorted(asked[0]["scores"])
    costs = {
        model: {"input": str(prices[model]["input_price"]), "output": str(prices[model]["output_price"])}
        for model in models
    }
    everything = [
        Outcome(row["prompt"], {model: _bounded(row["scores"][model]) for model in models}, row["task"])
        for row in asked
        if set(row["scores"]) == set(models)
    ]
    made = [OutcomeSet("llmrouter", f"{len(models)} models with prices, 11 tasks", ("llmrouter",), everything, costs)]
    for name, tasks in _TASKS.items():
        pair = [
            Outcome(each.prompt, {m: each.quality[m] for m in (_STRONG, _WEAK)}, each.category)
            for each in everything
            if each.category in tasks
        ]
        title = f"{', '.join(tasks)}; {_STRONG} or {_WEAK}"
        made.append(OutcomeSet(name, title, ("llmrouter",), pair))
    return made


def _bounded(score: float) -> float:
    return min(1.0, max(0.0, float(score)))


def _steps(data: Path) -> OutcomeSet:
    """School problems by the number of solution steps: no model was asked. The weak model is taken to fail more with
    every step, so that the measure is about the order of difficulty only."""
    found = [
        Outcome(row["prompt"], {"strong": 1.0, "weak": max(0.0, 1.0 - row["n_steps"] / 9)}, "mathematics")
        for row in rows(data / "gsm8k_train" / "train.jsonl")[::3]
    ]
    return OutcomeSet("gsm8k-steps", "school problems, order by solution steps only", ("gsm8k_train",), found)
