"""Reading the data folder and the seeds. Every reader gives plain tuples; nothing is downloaded."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

SEEDS = Path(__file__).parent / "seeds"


class Seed(NamedTuple):
    """One hand-written prompt and what a person says of it."""

    language: str
    category: str
    difficulty: float
    reasoning: bool
    tool: bool
    commercial: bool
    text: str


def seed_prompts() -> list[Seed]:
    """Lines `category | difficulty in tenths | flags | prompt`; flags: r(easoning), t(ool), c(ommercial), or -."""
    seeds = []
    for file in sorted((SEEDS / "prompts").glob("*.txt")):
        for line in file.read_text("utf-8").splitlines():
            category, difficulty, flags, text = (part.strip() for part in line.split("|", 3))
            marks = ("r" in flags, "t" in flags, "c" in flags)
            seeds.append(Seed(file.stem, category, int(difficulty) / 10, *marks, text))
    return seeds


def seed_pairs(name: str) -> list[tuple[str, str]]:
    """Lines `category | text` of a seed file; `#` starts a comment."""
    lines = (SEEDS / name).read_text("utf-8").splitlines()
    split = (line.split("|", 1) for line in lines if line and not line.startswith("#"))
    return [(category.strip(), text.strip()) for category, text in split]


def rows(file: Path) -> list[dict[str, Any]]:
    """All objects of a JSON Lines file."""
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


Said = dict[str, Any]
"""One turn of a dialogue."""


def dialogues(data: Path) -> Iterator[list[Said]]:
    """The turns of each dialogue of sgd: `s` speaker (U or A), `t` text, `f` frames of a user turn."""
    for dialogue in rows(data / "sgd" / "train_1500.jsonl"):
        yield dialogue["turns"]
