"""The training table of the heads: texts with the labels that each source can vouch for, None where it cannot."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from train.sources import dialogues, rows, seed_pairs, seed_prompts


class Example(NamedTuple):
    """One text; labels between 0 and 1."""

    source: str
    text: str
    category: str | None = None
    difficulty: float | None = None
    reasoning: float | None = None
    tool_need: float | None = None
    commercial: float | None = None
    language: str = "en"


def collect(data: Path) -> list[Example]:
    """Every example, in an order that depends only on the files."""
    return [
        *_seeds(),
        *_templates(data),
        *_assistants(data),
        *_bookings(data),
        *_banking(data),
        *_exams(data),
        *_benchmarks(data),
        *_writing(data),
        *_characters(data),
    ]


def _seeds() -> Iterator[Example]:
    for s in seed_prompts():
        needs = (float(s.reasoning), float(s.tool), float(s.commercial))
        yield Example("seeds", s.text, s.category, s.difficulty, *needs, s.language)


def _templates(data: Path) -> Iterator[Example]:
    """Instructions around sentences of ten languages, so that the instruction decides and not what it is about."""
    sentences = rows(data / "sib200" / "train_dev.jsonl")
    for n, (category, template) in enumerate(seed_pairs("templates.txt")):
        reasoning = 1.0 if category == "reasoning" else 0.0
        for i in range(12):
            row = sentences[(n * 997 + i * 331) % len(sentences)]
            text = template.replace("{text}", row["text"])
            yield Example("templates", text, category, 0.25, reasoning, 0.0, 0.0, row["lang"])


def _assistants(data: Path) -> Iterator[Example]:
    """xsid: alarms, weather, music and bookings in eleven languages; metatool: requests that a plugin answers."""
    for row in islice(rows(data / "xsid" / "valid_no_zh.jsonl"), 0, None, 4):
        buys = {"BookRestaurant": 1.0, "SearchScreeningEvent": None}.get(row["intent"], 0.0)
        tool = None if row["intent"] == "RateBook" else 1.0
        yield Example("xsid", row["text"], "tools", 0.2, 0.0, tool, buys, row["lang"])
    for row in islice(rows(data / "metatool" / "single_tool_dev.jsonl"), 0, None, 8):
        yield Example("metatool", row["query"], tool_need=0.9)


def _bookings(data: Path) -> Iterator[Example]:
    """sgd: the first turns of dialogues; booking, buying and renting are commercial, banking and weather are not."""
    for turns in islice(dialogues(data), 0, None, 3):
        intent = turns[0]["f"][0]["intent"]
        commercial = (
            1.0
            if intent.startswith(("Buy", "Reserve", "Rent", "Book", "GetRide", "GetCars", "SearchHotel", "SearchHouse"))
            else (0.0 if intent.startswith(("Get", "Check", "Transfer", "Play", "Lookup", "Add")) else None)
        )
        yield Example("sgd", turns[0]["t"], "tools", 0.25, 0.0, 1.0, commercial)


def _banking(data: Path) -> Iterator[Example]:
    for row in islice(rows(data / "banking77" / "train.jsonl"), 0, None, 20):
        yield Example("banking77", row["text"], "finance", 0.3, 0.0, None, 0.0)


_EXAM_CATEGORIES = {
    "math": "mathematics",
    "physics": "science",
    "chemistry": "science",
    "biology": "science",
    "engineering": "science",
    "economics": "finance",
    "business": "finance",
    "computer science": None,
    "psychology": None,
}


def _exams(data: Path) -> Iterator[Example]:
    """mmlu_pro: the share of 32 models that failed gives the order of difficulty; school sums by solution steps."""
    header, *lines = (data / "mmlu_pro" / "correctness_dev.csv").read_text().splitlines()
    failed = {}
    for line in lines:
        number, *marks = line.split(",")
        failed[int(number)] = 1 - sum(float(m) for m in marks if m) / max(1, sum(m != "" for m in marks))
    assert header.startswith("question_id")
    questions = [q for q in rows(data / "mmlu_pro" / "questions_dev.jsonl") if q["question_id"] in failed]
    rank = _ranks([failed[q["question_id"]] for q in questions])
    for question, r in islice(zip(questions, rank, strict=True), 0, None, 4):
        computes = question["category"] in ("math", "physics", "chemistry", "engineering")
        category = _EXAM_CATEGORIES[question["category"]]
        yield Example("mmlu_pro", question["question"], category, 0.4 + 0.55 * r, 1.0 if computes else None, 0.0, 0.0)
    for row in islice(rows(data / "gsm8k_train" / "train.jsonl"), 0, None, 12):
        difficulty = min(0.15 + 0.08 * row["n_steps"], 0.75)
        yield Example("gsm8k", row["prompt"], "mathematics", difficulty, 1.0, 0.0, 0.0)


_BENCHMARKS: dict[str, tuple[str | None, float, float, float | None]] = {
    "agentverse-logicgrid": ("reasoning", 0.75, 0.95, 1.0),
    "arc_challenge": (None, 0.15, 0.45, None),
    "commonsense_qa": (None, 0.10, 0.35, None),
    "gpqa": ("science", 0.75, 0.95, 1.0),
    "human_eval": ("code", 0.35, 0.70, None),
    "math": ("mathematics", 0.35, 0.85, 1.0),
    "mbpp": ("code", 0.25, 0.55, None),
    "natural_qa": ("question-answering", 0.10, 0.45, 0.0),
    "openbook_qa": (None, 0.15, 0.40, None),
    "trivia_qa": ("question-answering", 0.15, 0.45, 0.0),
}
"""Task of llmrouter: category, easiest and hardest, reasoning. (mmlu and gsm8k are left out: they are benchmarks.)"""


def _benchmarks(data: Path) -> Iterator[Example]:
    """llmrouter: within a task, the mean score of nine models gives the order of difficulty."""
    by_task: dict[str, list[dict[str, Any]]] = {}
    for row in rows(data / "llmrouter" / "train_dev.jsonl"):
        by_task.setdefault(row["task"], []).append(row)
    for task, (category, easy, hard, reasoning) in _BENCHMARKS.items():
        members = by_task[task]
        rank = _ranks([-sum(row["scores"].values()) for row in members])
        for row, r in islice(zip(members, rank, strict=True), 0, None, 4):
            yield Example("llmrouter", row["prompt"], category, easy + (hard - easy) * r, reasoning, 0.0, 0.0)


def _writing(data: Path) -> Iterator[Example]:
    for row in islice(rows(data / "writingbench" / "writingbench.jsonl"), 0, None, 2):
        yield Example("writingbench", row["prompt"], "writing", 0.5, None, 0.0, 0.0, row["lang"])


def _characters(data: Path) -> Iterator[Example]:
    """Of the jailbreaks in the wild, those that ask for a character."""
    marks = ("act as", "pretend", "character", "roleplay", "role-play", "imitate", "play a game")
    found = (r for r in rows(data / "safety" / "jailbreak_inthewild_666.jsonl") if _has(r["text"], marks))
    for row in islice(found, 0, 400, 2):
        yield Example("characters", row["text"], "roleplay", 0.4, 0.0, 0.0, 0.0)


def _has(text: str, marks: Sequence[str]) -> bool:
    return any(mark in text.lower() for mark in marks)


def _ranks(values: Sequence[float]) -> list[float]:
    """Each value's place among all, from 0 (smallest) to 1; ties in the order given."""
    order = sorted(range(len(values)), key=lambda i: (values[i], i))
    ranks = [0.0] * len(values)
    for place, i in enumerate(order):
        ranks[i] = place / max(1, len(values) - 1)
    return ranks
