"""Many policies for the scorer of routes to learn from, and how well it does on sources that it never saw."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pointsman_classifier.heads import Heads
from pointsman_classifier.routes import Reading

from train.embeddings import EmbeddingCache
from train.libraries import Intent, Library, libraries
from train.measures import auc, calibration_error
from train.policies import Policy, make_policy, policies
from train.scorer import Sample, distribution, fit_describe, fit_scorer, samples
from train.sources import seed_pairs

Array = npt.NDArray[Any]

SIZES = {
    "assistant": (240, 25),
    "sgd": (80, 40),
    "banking77": (50, 40),
    "sib200": (60, 40),
    "xsid": (60, 30),
    "metatool": (60, 30),
}
"""Policies of each source, and cases of each."""

ASSISTANT_SHARE = 3.0
"""How much ordinary assistant policies count beside each other source."""


class Trainer:
    """Makes samples of policies, never showing the scorer a category or a description that was fitted on it."""

    def __init__(self, data: Path, embed: EmbeddingCache, heads: Heads, held_out: dict[str, Array]) -> None:
        self._embed = embed
        self._heads = heads
        self._held_out = held_out
        self._memory: dict[str, Array] = {}
        narrow = _narrow(data)
        said = embed([text for _, text in seed_pairs("descriptions.txt")] + narrow).mean(axis=0)
        self.reading = Reading(fit_describe(embed, narrow), said)
        self._folds = [Reading(fit_describe(embed, narrow, fold), said) for fold in range(4)]
        self.centre = embed(list(held_out)).mean(axis=0)
        self.libraries = libraries(data)

    def category_of(self, text: str, vector: Array) -> Array:
        """Category probabilities; of a seed, those of heads that were fitted without it."""
        if text in self._held_out:
            return self._held_out[text]
        if text not in self._memory:
            self._memory[text] = self._heads.category(text, vector)
        return self._memory[text]

    def samples(self, source: str, seed: int) -> list[Sample]:
        """The training samples of a source."""
        draw = np.random.default_rng(seed)
        count, cases = SIZES[source]
        if source != "assistant":
            drawn = policies(source, self.libraries[source], count, cases, draw)
            return [s for p in drawn for s in self._of(p, self.reading)]
        found = []
        for fold in range(4):
            for policy in policies(source, self.fold(fold), count // 4, cases, draw):
                found += self._of(policy, self._folds[fold])
        return found

    def fold(self, fold: int) -> Library:
        """The assistant's categories with only the descriptions that a fold of `fit_describe` left out."""
        left = {text for i, (_, text) in enumerate(seed_pairs("descriptions.txt")) if i % 4 == fold}
        return {
            name: Intent([t for t in intent.titles if t.description in left] or intent.titles, intent.utterances)
            for name, intent in self.libraries["assistant"].items()
        }

    def evaluation(self, source: str, examples: int, unknown: float, seed: int) -> list[Sample]:
        """400 cases: of all intents, or of every second one when a share of cases shall be unknown."""
        draw = np.random.default_rng(seed)
        library = self.fold(0) if source == "assistant" else self.libraries[source]
        chosen = [n for i, n in enumerate(sorted(library)) if not unknown or (i % 2 == 0 and n != "other")]
        policy = make_policy(source, library, chosen, examples, 400, draw, unknown, exact=True)
        return self._of(policy, self._folds[0] if source == "assistant" else self.reading)

    def _of(self, policy: Policy, reading: Reading) -> list[Sample]:
        return samples(policy, self._embed, reading, self.category_of, self.centre)


def fit_on(data: dict[str, list[Sample]]) -> tuple[Array, Array]:
    """The scorer fitted on some sources."""
    share = {s: (ASSISTANT_SHARE if s == "assistant" else 1.0) / len(found) for s, found in data.items()}
    weight = np.concatenate([np.full(len(found), share[s]) for s, found in data.items()])
    return fit_scorer([sample for found in data.values() for sample in found], weight)


def arrays(trainer: Trainer, w: Array, v: Array) -> dict[str, Array]:
    """What the artefact holds."""
    return {
        "describe": trainer.reading.describe.astype(np.float16),
        "request_centre": trainer.centre.astype(np.float16),
        "route_centre": trainer.reading.centre.astype(np.float16),
        "route_weights": w.astype(np.float32),
        "null_weights": v.astype(np.float32),
    }


def report(trainer: Trainer, source: str, w: Array, v: Array) -> str:
    """One line per number of examples: accuracy over all intents, and with half of them unknown."""
    lines = []
    for examples in (0, 5, 10):
        everything = trainer.evaluation(source, examples, 0.0, 7)
        accuracy = np.mean([(s.features @ w).argmax() == s.target for s in everything])
        half = trainer.evaluation(source, examples, 0.5, 8)
        stranger = np.array([s.target == len(s.features) for s in half])
        nothing = np.array([distribution(s, w, v)[-1] for s in half])
        error = calibration_error([distribution(s, w, v) for s in everything], [s.target for s in everything])
        figures = (
            f"accuracy {accuracy:.3f}, out-of-scope AUC {auc(nothing, stranger):.3f}, calibration error {error:.3f}"
        )
        lines.append(f"{source:10} {examples:2} examples: {figures}")
    return "\n".join(lines)


def _narrow(data: Path) -> list[str]:
    """Descriptions of single services and tools."""
    services = json.loads((data / "sgd" / "schema_train.json").read_text("utf-8"))
    tools = json.loads((data / "metatool" / "plugin_des.json").read_text("utf-8"))
    return [service["description"] for service in services] + list(tools.values())
