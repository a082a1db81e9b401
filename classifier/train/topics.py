"""Labelled texts from which the encoder learns topics: sentences of one topic, and the ways to write it, are near.

Of SIB-200 the train part, in the encoder's languages; WordNet's domains (what its words of medicine, law or chess
mean); the fields of MMLU-Pro's questions. Intents are left to the towers: the scorer is fitted on towers that did not
see its policies' routes, and the encoder cannot be fitted anew for each.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pointsman_classifier.encoder import LANGUAGES

from train.libraries import topics
from train.sources import rows
from train.towers import wordings as written
from train.wordnet import Key, synsets

_FEWEST = 15
_BRACKETS = re.compile(r"\(.*?\) ?")
"""WordNet begins some glosses with the domain, in brackets."""


class Topic(NamedTuple):
    """A label."""

    sentences: list[str]
    wordings: list[str]
    """How a policy's author may write it."""


def taught(data: Path, wordnet: Path) -> dict[str, list[Topic]]:
    """Topics of each source, each text once, in a fixed order."""
    found = {"sentences": _sentences(data), "domains": _domains(wordnet), "exams": _exams(data)}
    return {name: [Topic(sorted(set(t.sentences)), t.wordings) for t in each] for name, each in found.items()}


def _sentences(data: Path) -> list[Topic]:
    return [
        Topic([s.text for s in intent.utterances if s.shown and s.language in LANGUAGES], written(name, intent))
        for name, intent in sorted(topics(data).items())
    ]


def _domains(wordnet: Path) -> list[Topic]:
    known = dict(synsets(wordnet))
    said: dict[Key, list[str]] = defaultdict(list)
    for synset in known.values():
        gloss = _BRACKETS.sub("", synset.gloss).strip()
        texts = [*([f"{synset.words[0]}: {gloss}"] if gloss else []), *synset.sentences]
        for domain in synset.domains:
            said[domain] += texts
    large = ((known[key], texts) for key, texts in said.items() if len(set(texts)) >= _FEWEST)
    return [Topic(texts, [d.words[0], d.gloss, f"{d.words[0]}. {d.gloss}"]) for d, texts in large]


def _exams(data: Path) -> list[Topic]:
    said: dict[str, list[str]] = defaultdict(list)
    for row in rows(data / "mmlu_pro" / "questions_dev.jsonl"):
        said[row["category"]].append(row["question"])
    return [Topic(texts, [name]) for name, texts in sorted(said.items())]


def batch(topics: Sequence[Topic], texts: int, most: int, draw: np.random.Generator) -> tuple[list[str], list[int]]:
    """About so many texts of at most so many topics, a wording of each among them; and which topic each is of."""
    chosen = draw.choice(len(topics), min(most, len(topics)), replace=False)
    found: list[str] = []
    own: list[int] = []
    for i in chosen.tolist():
        sentences, wordings = topics[i]
        picks = draw.choice(len(sentences), min(texts // len(chosen) - 1, len(sentences)), replace=False)
        found += [*(sentences[k] for k in picks), wordings[int(draw.integers(len(wordings)))]]
        own += [i] * (len(picks) + 1)
    return found, own
