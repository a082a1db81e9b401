"""Many policies for the scorer of routes to learn from, and how well it does on sources that it never saw."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pointsman_classifier import dialogue
from pointsman_classifier.conversation import EARLIER
from pointsman_classifier.heads import Heads
from pointsman_classifier.routes import Reading
from pointsman_classifier.scoring import Weights
from pointsman_classifier.towers import Towers, to_arrays

from train import dialogue as filters
from train import towers
from train.embeddings import EmbeddingCache
from train.libraries import Intent, Library, Spoken, everyday, family, libraries, services, sgd
from train.measures import auc, calibration_error
from train.policies import Policy, Strangers, make_policy, policies
from train.scorer import Sample, distribution, fit_describe, fit_scorer, fit_turning, samples
from train.sources import seed_pairs
from train.talks import Looking, Talk, alone, talks, texts

Array = npt.NDArray[Any]

ASSISTANT_SHARE = 3.0
"""How much ordinary assistant policies count beside each other source."""

ASSISTANT_STRANGERS = 3.0
"""How much a request that no route fits counts beside another for assistants: theirs is the default route's traffic."""

STRANGER_SHARE = 0.2
"""The same for other sources: there are more of them here than
there will be, and a wrong "none" costs as much as a wrong route."""

_HALF = frozenset(
    [
        "Banks_1",
        "Buses_2",
        "Events_2",
        "Flights_2",
        "Hotels_3",
        "Music_2",
        "RentalCars_2",
        "RideSharing_2",
        "Services_3",
        "Travel_1",
    ]
)
"""Services left out of one pair of towers; the other pair lacks these families' other services and some whole ones."""

_OTHER_HALF = frozenset(
    [
        "Buses_1",
        "Calendar_1",
        "Events_1",
        "Flights_1",
        "Homes_1",
        "Hotels_1",
        "Hotels_2",
        "Media_1",
        "Movies_1",
        "Music_1",
        "RentalCars_1",
        "Restaurants_1",
        "RideSharing_1",
        "Services_1",
        "Services_2",
        "Weather_1",
    ]
)

_UNSEEN = ("assistant", "nlupp")
"""Sources that no towers learn from."""

_NEAR, _FAR = 0.08, 0.16
"""Shares of the cases that belong to intents left out, and to nothing that a policy is about: half of those are of
other sources, half everyday prompts."""

_MIXED = ("banking77", "metatool", "nlupp", "xsid")

_HALVES = {"half": _HALF, "other half": _OTHER_HALF}


class Setting(NamedTuple):
    """One way to draw policies of a source: with towers that have seen its routes, or others like it, or neither."""

    name: str
    source: str
    library: Library
    towers: str
    policies: int
    cases: int
    large: bool = False
    """Whether all have 50 routes or more, with examples."""


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
            ("half", "", everyone - _HALF),
            ("other half", "", everyone - _OTHER_HALF),
        ):
            unseen = (*source.split(), *_UNSEEN)
            taught = {n: found for n, found in self.libraries.items() if n not in unseen}
            taught["sgd"] = sgd(data, seen)
            self._towers[name] = towers.fit(towers.courses(taught, embed), 7)
            self._turning[name] = fit_turning(embed, taught["sgd"], self.centre, self.assistant_centre)
        self.settings = self._settings(data, everyone)
        self._data, self._everyone = data, everyone
        self._doing = filters.doing(embed, texts(data))

    def _settings(self, data: Path, everyone: frozenset[str]) -> list[Setting]:
        fresh = {n: _unshown(found) for n, found in self.libraries.items() if n in ("sib200", "xsid")}
        drawn = [Setting("assistant", "assistant", self.libraries["assistant"], "all", 160, 25)]
        for half, left in _HALVES.items():
            library = _within(sgd(data, everyone - left, fresh=True), self.libraries["sgd"])
            drawn.append(Setting(f"sgd, {half}", "sgd", library, half, 70, 40))
        unlike = {"banking77": "banking77", "metatool": "metatool", "sib200": "plain", "xsid": "plain", "nlupp": "all"}
        for name, kept in unlike.items():
            if name in self.libraries:
                drawn.append(Setting(name, name, self.libraries[name], kept, 60, 30))
        drawn += [Setting(f"{n}, known", n, found, "all", 36, 30) for n, found in fresh.items()]
        mixed = dict(self.libraries.get("metatool", {}))
        for name in ("banking77", "xsid"):
            mixed |= _unshown(self.libraries.get(name, {}))
        mixed |= self.libraries.get("nlupp", {})
        drawn.append(Setting("mixed", "mixed", mixed, "metatool", 60, 40))
        large = [s for s in drawn if s.source in ("banking77", "metatool", "mixed") and len(s.library) > 60]
        return drawn + [s._replace(name=f"{s.name}, large", policies=20, cases=100, large=True) for s in large]

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
        kin = (source, *_MIXED) if source == "mixed" else (source,)
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
        halves = {name: (left, self._looking(name, w, v)) for name, left in _HALVES.items()}
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


def _unshown(library: Library) -> Library:
    """Only utterances that no tower has seen."""
    unseen = {name: Intent(i.titles, [s for s in i.utterances if not s.shown]) for name, i in library.items()}
    return {name: intent for name, intent in unseen.items() if len(intent.utterances) > 11}


def _within(library: Library, allowed: Library) -> Library:
    return {name: intent for name, intent in library.items() if name in allowed}


def fit_on(data: dict[str, list[Sample]]) -> tuple[Array, Array]:
    """The scorer fitted on the samples of some settings."""
    share = {s: (ASSISTANT_SHARE if s == "assistant" else 1.0) / len(found) for s, found in data.items()}
    rare = {s: ASSISTANT_STRANGERS if s == "assistant" else STRANGER_SHARE for s in data}
    weighed = [
        (sample, share[s] * (rare[s] if sample.target == len(sample.features) else 1.0))
        for s, found in data.items()
        for sample in found
    ]
    return fit_scorer([sample for sample, _ in weighed], np.array([weight for _, weight in weighed]))


def kept_without(setting: Setting, settings: Sequence[Setting]) -> list[str]:
    """Names of the settings that share no utterance with this one's source."""
    kin = (*_MIXED, "mixed") if setting.source == "mixed" else (setting.source,)
    kin = (*kin, "mixed") if setting.source in _MIXED else kin
    return [other.name for other in settings if other.source not in kin]


def report(trainer: Trainer, setting: Setting, w: Array, v: Array) -> str:
    """One line per number of examples: accuracy over all intents; and how well requests of intents left out, and of
    nothing that the policy is about, are told, and how many of them reach a route."""
    lines = []
    for examples in (0, 1, 5, 10):
        everything = trainer.evaluation(setting, examples, 0.0, 0.0, 7)
        odds, targets = [distribution(s, w, v) for s in everything], [s.target for s in everything]
        right = np.array([p[:-1].argmax() == t for p, t in zip(odds, targets, strict=True)])
        sure = np.array([p[:-1].max() >= 0.3 for p in odds])
        found = [f"accuracy {right.mean():.3f}, at 30% {(right & sure).mean():.3f}"]
        for kind, near, far, seed in (("near", 0.5, 0.0, 8), ("far", 0.0, 0.5, 9)):
            half = trainer.evaluation(setting, examples, near, far, seed)
            stranger = np.array([s.target == len(s.features) for s in half])
            told = np.array([distribution(s, w, v) for s in half])
            reach = (told[stranger, :-1].max(axis=1) >= 0.3).mean() if stranger.any() else np.nan
            found.append(f"{kind} AUC {auc(told[:, -1], stranger):.3f}, at a route {reach:.2f}")
        found.append(f"calibration error {calibration_error(odds, targets):.3f}")
        lines.append(f"{setting.name:17} {examples:2} examples: {'; '.join(found)}")
    return "\n".join(lines)


def _narrow(data: Path) -> list[str]:
    """Descriptions of single services and tools."""
    tools = json.loads((data / "metatool" / "plugin_des.json").read_text("utf-8"))
    return [service["description"] for service in services(data).values()] + list(tools.values())
