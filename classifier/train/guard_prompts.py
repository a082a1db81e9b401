"""What the guard scores are fitted on: attacks, personal data, and ordinary prompts beside them."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from train.sources import dialogues, rows, seed_prompts

ORDINARY = ("seeds", "metatool", "writingbench", "banking77", "gsm8k", "llmrouter", "sgd")
"""Sources of ordinary prompts: nothing in them is an attack."""

_IDENTIFYING = frozenset(
    (
        "credit_card_number",
        "phone_number",
        "email",
        "iban",
        "ssn",
        "us_driver_license",
        "ip_address",
        "date_of_birth",
        "address",
        "street_name",
    )
)
"""Entities of pii_synthetic that count. A name alone, a city or a firm does not: ordinary questions name people too."""


class Prompt(NamedTuple):
    """One text; 1, 0, or None where its source does not say."""

    source: str
    text: str
    injection: float | None = 0.0
    jailbreak: float | None = 0.0
    pii: float | None = 0.0


def collect(data: Path) -> list[Prompt]:
    """Every prompt, in an order that depends only on the files."""
    return [*_bastion(data), *_in_the_wild(data), *_exemplars(data), *_personal(data), *_ordinary(data)]


def _bastion(data: Path) -> Iterator[Prompt]:
    """Injections and harmless texts that resemble them."""
    for row in rows(data / "safety" / "injections_bastion.jsonl"):
        attack, persona = row["label"] != "benign", row["category"] == "jailbreak_persona"
        unsure = row["category"] in ("instruction_override", "obfuscation")
        injection = (None if persona else 1.0) if attack else 0.0
        jailbreak = (1.0 if persona else None if unsure else 0.0) if attack else 0.0
        yield Prompt("bastion", row["text"], injection, jailbreak, None)


def _in_the_wild(data: Path) -> Iterator[Prompt]:
    """In five parts by their order, because nothing else has long jailbreaks. Some are variants of one another."""
    for number, row in enumerate(rows(data / "safety" / "jailbreak_inthewild_666.jsonl")):
        yield Prompt(f"in the wild {number * 5 // 666}", row["text"], None, 1.0, None)


def _exemplars(data: Path) -> Iterator[Prompt]:
    """vllm_sr: attacks beside ordinary requests of a company's day."""
    for row in rows(data / "vllm_sr" / "kb_privacy_exemplars.jsonl"):
        kind = row["category"]
        attack = kind in ("prompt_injection", "system_prompt_extraction", "credential_exfiltration")
        injection = None if kind == "jailbreak_role" else float(attack)
        jailbreak = None if kind == "prompt_injection" else float(kind == "jailbreak_role")
        yield Prompt("exemplars", row["text"], injection, jailbreak, None)


def _personal(data: Path) -> Iterator[Prompt]:
    """pii_synthetic; the source is named after the template's remainder, so that folds leave whole templates out."""
    for row in rows(data / "pii_synthetic" / "pii.jsonl"):
        types = {entity["type"] for entity in row["entities"]}
        pii = 1.0 if types & _IDENTIFYING else (0.0 if not row["has_pii"] else None)
        yield Prompt(f"pii {row['template'] % 5}", row["text"], 0.0, 0.0, pii)


def _ordinary(data: Path) -> Iterator[Prompt]:
    yield from (Prompt("seeds", seed.text) for seed in seed_prompts())
    for source, file, key, step in (
        ("metatool", "metatool/single_tool_dev.jsonl", "query", 8),
        ("writingbench", "writingbench/writingbench.jsonl", "prompt", 2),
        ("banking77", "banking77/train.jsonl", "text", 20),
        ("gsm8k", "gsm8k_train/train.jsonl", "prompt", 12),
    ):
        pii = None if source == "writingbench" else 0.0
        for row in islice(rows(data / file), 0, None, step):
            yield Prompt(source, row[key], pii=pii)
    benchmarks = (row for row in rows(data / "llmrouter" / "train_dev.jsonl") if row["task"] not in ("mmlu", "gsm8k"))
    yield from (Prompt("llmrouter", row["prompt"]) for row in islice(benchmarks, 0, None, 8))
    yield from (Prompt("sgd", turns[0]["t"], pii=None) for turns in islice(dialogues(data), 0, None, 3))
