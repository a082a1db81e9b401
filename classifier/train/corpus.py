"""Texts from which the encoder learns, each with the English text that says what it means. Nothing is labelled.

Of the data folder: dialogues, prompts and questions; the measured parts of Banking77 (test) and SIB-200 (dev) are
left out. Beside it, three public collections that a training run is given as folders:

- WordNet 3.0 (Debian package `wordnet-base`): examples of use, and some of the glosses;
- translated descriptions of Debian's packages (`Translation-*` of a release's `main/i18n`, unpacked);
- ChatterBot's corpus (`chatterbot_corpus/data` of the wheel `chatterbot-corpus`), its English part.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import yaml
from pointsman_classifier.encoder import LANGUAGES

from train.sources import dialogues, rows, seed_pairs, seed_prompts
from train.wordnet import synsets

Pair = tuple[str, str]
"""A text, and what it means in English."""

_CHARACTERS = 400
_GLOSSES = 50_000
_DESCRIPTIONS = 2_500
"""Of each language."""


def corpus(data: Path, wordnet: Path, translations: Path, chat: Path) -> list[Pair]:
    """All pairs, each once, in a fixed order."""
    english = (text.strip()[:_CHARACTERS] for text in [*_said(data), *_chat(chat), *_words(wordnet)])
    found = [(text, text) for text in english if len(text) > 3]
    return list(dict.fromkeys([*found, *_translated(data), *_described(translations)]))


def _said(data: Path) -> Iterator[str]:
    """English of the data folder and the seeds."""
    yield from (turn["t"] for dialogue in dialogues(data) for turn in dialogue)
    for file, field in (
        ("banking77/train", "text"),
        ("nlupp/nlupp", "text"),
        ("metatool/single_tool_dev", "query"),
        ("gsm8k_train/train", "prompt"),
        ("llmrouter/train_dev", "prompt"),
        ("mmlu_pro/questions_dev", "question"),
        ("pii_synthetic/pii", "text"),
        ("vllm_sr/kb_privacy_exemplars", "text"),
    ):
        yield from (row[field] for row in rows(data / f"{file}.jsonl") if field in row)
    yield from (row["prompt"] for row in rows(data / "writingbench/writingbench.jsonl") if row["lang"] == "en")
    yield from (seed.text for seed in seed_prompts() if seed.language == "en")
    yield from (text for _, text in seed_pairs("descriptions.txt"))
    yield from json.loads((data / "metatool" / "plugin_des.json").read_text("utf-8")).values()


def _chat(folder: Path) -> Iterator[str]:
    for file in sorted((folder / "english").glob("*.yml")):
        for exchange in yaml.safe_load(file.read_text("utf-8"))["conversations"]:
            yield from map(str, exchange)


def _words(folder: Path) -> Iterator[str]:
    """WordNet's examples of use, and glosses drawn at random, most of them with their word."""
    glosses = []
    for _, synset in synsets(folder):
        yield from synset.sentences
        if len(synset.gloss.split()) > 2:
            glosses.append((synset.words[0], synset.gloss))
    draw = np.random.default_rng(0)
    for i in draw.permutation(len(glosses))[:_GLOSSES]:
        word, gloss = glosses[i]
        yield f"{word}: {gloss}" if draw.random() < 0.6 else gloss


def _translated(data: Path) -> Iterator[Pair]:
    for file, wanted in (("sib200/train_dev", "train"), ("xsid/valid_no_zh", "valid")):
        found = [row for row in rows(data / f"{file}.jsonl") if row["split"] == wanted and row["lang"] in LANGUAGES]
        meant = {row["id"]: row["text"] for row in found if row["lang"] == "en"}
        yield from ((row["text"], meant[row["id"]]) for row in found)


def _described(folder: Path) -> Iterator[Pair]:
    """Descriptions of packages: a third titles, a third first paragraphs, a third both."""
    english = dict(_descriptions(folder / "Translation-en"))
    for file in sorted(folder.glob("Translation-*")):
        found = sorted((key, text) for key, text in _descriptions(file) if key in english and file.name[-3:] != "-en")
        chosen = np.random.default_rng(0).permutation(len(found))[:_DESCRIPTIONS]
        for turn, (key, (title, body)) in enumerate(found[i] for i in chosen):
            title_en, body_en = english[key]
            if turn % 3 == 0:
                yield title[:_CHARACTERS], title_en[:_CHARACTERS]
            elif body and body_en:
                here, there = (body, body_en) if turn % 3 == 1 else (f"{title}. {body}", f"{title_en}. {body_en}")
                yield here[:_CHARACTERS], there[:_CHARACTERS]


_KEY = re.compile(r"^Description-md5: (\S+)", re.MULTILINE)
_TEXT = re.compile(r"^Description-[a-zA-Z_]+: (.*(?:\n .*)*)", re.MULTILINE)


def _descriptions(file: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """Key of a package, and the title and first paragraph of its description."""
    for block in file.read_text("utf-8").split("\n\n"):
        key, text = _KEY.search(block), _TEXT.search(block)
        if key and text:
            title, *lines = text[1].split("\n")
            end = next((i for i, line in enumerate(lines) if line.strip() == "." or line.startswith("  ")), len(lines))
            yield key[1], (title.strip(), " ".join(line.strip() for line in islice(lines, end)))
