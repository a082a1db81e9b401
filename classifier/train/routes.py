"""Many policies for the scorer of routes to learn from, and to be judged on."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pointsman_classifier import dialogue
from pointsman_classifier.conversation import EARLIER
from pointsman_classifier.folding import Weights
from pointsman_classifier.heads import Heads
from pointsman_classifier.routes import Reading
from pointsman_classifier.towers import Towers, to_arrays

from train import dialogue as filters
from train import towers
from train.embeddings import EmbeddingCache
from train.intents import Intent, Library, Spoken
from train.libraries import everyday, libraries
from train.policies import Policy, Strangers, make_policy, policies
from train.scorer import Sample, fit_describe, fit_turning, samples
from train.services import family, services, sgd
from train.settings import HALVES, MIXED, Setting, every_setting
from train.sources import seed_pairs
from train.talks import Looking, Talk, alone, talks, texts

Array = npt.NDArray[Any]

_UNSEEN = ("assistant", "nlupp")
"""Sources that no towers learn from."""

_NEAR, _FAR = 0.08, 0.16
"""Shares of the cases that belong to intents left out, and to nothing that a policy is about: half of those are of
other sources, half everyday prompts."""


class Trainer:
    """Makes samples of policies, never showing the scorer a category, description or utterance that was fitted on it,
    and nearly never routes on which the towers were fitted: they would look more useful than they are."""

    def __init__(
        self, data: Path, embed: EmbeddingCache, heads: Heads, held_out: dict[str, Array], without: frozenset[str]
    ) -> None:
        self._embed, self._heads, self._held_out = embed, heads, held_out
        self._memory: dict[str, Array] = {}
        narrow = _narrow(data)
        self._said = embed([text for _, text in seed_pairs("descriptions.txt")] + narrow).mean(axis=0)
        self._describe = fit_describe(embed, narrow)
        self._folds = [fit_describe(embed, narrow, fold) for fold in range(4)]
        self.centre = embed(list(held_out)).mean(axis=0)
        everyone = frozenset(name for name in services(data) if f"sgd/{family(name)}" not in without)
        self.libraries = {name: found for name, found in libraries(data).items() if name not in without}
        self.libraries["sgd"] = sgd(data, everyone)
        talk = [s.assistant for i in self.libraries["sgd"].values() for s in i.utterances[:50] if s.assistant]
        self.assistant_centre = embed(talk).mean(axis=0)
        self._everyday = [Spoken(text) for text in everyday(data)]
        self._towers: dict[str, Towers] = {}
        self._turning: dict[str, Array] = {}
        for name, source, seen in (
            ("all", "assistant", everyone),
            ("banking77", "banking77", everyone),
            ("metatool", "metatool", everyone),
            ("plain", "sib200 xsid", everyone),
            *((name, "", everyone - left) for name, left in HALVES.items()),
        ):
            unseen = (*source.split(), *_UNSEEN)
            taught = {n: found for n, found in self.libraries.items() if n not in unseen}
            taught["sgd"] = sgd(data, seen)
            self._towers[name] = towers.fit(towers.courses(taught, embed), 7)
            self._turning[name] = fit_turning(embed, taught["sgd"], self.centre, self.assistant_centre)
        self.settings = every_setting(data, self.libraries, everyone)
        self._data, self._everyone = data, everyone
        self._doing = filters.doing(embed, texts(data))

    def category_of(self, text: str, vector: Array) -> Array:
        """Category probabilities; of a seed, those of heads that were fitted without it."""
        if text in self._held_out:
            return self._held_out[text]
        if text not in self._memory:
            self._memory[text] = self._heads.category(text, vector)
        return self._memory[text]

    def samples(self, setting: Setting, seed: int) -> list[Sample]:
        """The training samples of a setting."""
        draw = np.random.default_rng(seed)
        size = setting.policies, setting.cases, draw
        if setting.source != "assistant":
            drawn = policies(setting.source, setting.library, *size, self._strangers(setting.source), setting.large)
            return [s for p in drawn for s in self._of(p, setting, self._describe)]
        found = []
        for fold in range(4):
            for policy in policies("assistant", self.fold(fold), size[0] // 4, *size[1:], Strangers(0.15)):
                found += self._of(policy, setting, self._folds[fold])
        return found

    def _strangers(self, source: str, near: float = _NEAR, far: float = _FAR) -> Strangers:
        """Requests that no policy of this source has a route for: first turns of the other sources, and about as many
        everyday prompts."""
        kin = (source, *MIXED) if source == "mixed" else (source,)
        others = [library for name, library in self.libraries.items() if name not in kin]
        texts = [s for library in others for i in library.values() for s in i.utterances[:40] if not s.assistant]
        return Strangers(near, far, [*texts, *self._everyday * max(1, len(texts) // len(self._everyday))])

    def fold(self, fold: int) -> Library:
        """The assistant's categories with only the descriptions that a fold of `fit_describe` left out."""
        left = {text for i, (_, text) in enumerate(seed_pairs("descriptions.txt")) if i % 4 == fold}
        return {
            name: Intent([t for t in intent.titles if t.description in left] or intent.titles, intent.utterances)
            for name, intent in self.libraries["assistant"].items()
        }

    def evaluation(self, setting: Setting, examples: int, near: float, far: float, seed: int) -> list[Sample]:
        """400 cases: of all intents, or of every second one when a share of cases shall be of others, or far ones."""
        draw = np.random.default_rng(seed)
        library = self.fold(0) if setting.source == "assistant" else setting.library
        every = sorted(library)
        chosen = [n for i, n in enumerate(every) if not (near or far) or (i % 2 == 0 and n != "other")]
        strangers = self._strangers(setting.source, near, far)
        policy = make_policy(setting.source, library, chosen, examples, 400, draw, strangers, exact=True)
        return self._of(policy, setting, self._folds[0] if setting.source == "assistant" else self._describe)

    def conversations(self, w: Array, v: Array) -> tuple[dialogue.Dialogue, str]:
        """The filter over conversations for these weights of the scorer, and how well it does on services that it, the
        towers and the turning never saw: fitted on half of them, measured on the other, in dialogues with no others."""
        halves = {name: (left, self._looking(name, w, v)) for name, left in HALVES.items()}
        whole = [alone(self._data, self._everyone, *half) for half in halves.values()]
        lines = []
        for name, taught, measured in zip(halves, whole[::-1], whole, strict=True):
            fitted = self._fit_dialogue(taught)
            figures = [filters.accuracy(fitted, measured, self._centres, earlier) for earlier in (0, 4, EARLIER)]
            said = ", ".join(f"{figure:.3f}" for figure in figures)
            lines.append(f"dialogues, {name}: accuracy {said} with the last 1, 5, {EARLIER + 1} exchanges")
        every = [o for n, half in enumerate(halves.values()) for o in talks(self._data, self._everyone, *half, 11 + n)]
        return self._fit_dialogue(every), "\n".join(lines)

    def _fit_dialogue(self, taught: list[list[Talk]]) -> dialogue.Dialogue:
        return filters.fit(taught, self._doing, self._centres, 5)

    @property
    def _centres(self) -> tuple[Array, Array]:
        return self.centre, self.assistant_centre

    def _looking(self, name: str, w: Array, v: Array) -> Looking:
        weights = Weights(*self._centres, self._turning[name], w, v)
        return Looking(self.reading(name, self._describe), weights, self._embed, self.category_of, self._doing)

    def reading(self, name: str, describe: Array) -> Reading:
        """A reading with the towers of that name."""
        return Reading(describe, self._said, self._towers[name])

    def _of(self, policy: Policy, setting: Setting, describe: Array) -> list[Sample]:
        none = np.zeros(0, np.float32)
        weights = Weights(self.centre, self.assistant_centre, self._turning[setting.towers], none, none)
        return samples(policy, self._embed, self.reading(setting.towers, describe), self.category_of, weights)

    def arrays(self, w: Array, v: Array, going: dialogue.Dialogue) -> dict[str, Array]:
        """What the artefact holds."""
        halves = {
            "describe": self._describe,
            "request_centre": self.centre,
            "assistant_centre": self.assistant_centre,
            "route_centre": self._said,
            "turning": self._turning["all"],
            **to_arrays(self._towers["all"]),
            **dialogue.to_arrays(going),
        }
        kept = {name: array.astype(np.float16) for name, array in halves.items()}
        return {**kept, "route_weights": w.astype(np.float32), "null_weights": v.astype(np.float32)}


def _narrow(data: Path) -> list[str]:
    """Descriptions of single services and tools."""
    tools = json.loads((data / "metatool" / "plugin_des.json").read_text("utf-8"))
    return [service["description"] for service in services(data).values()] + list(tools.values())
