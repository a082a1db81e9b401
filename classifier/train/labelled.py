"""A user's own labelled cases, in the formats of `pointsman eval`.

Outcomes (`{"messages": [...], "quality": {MODEL: 0..1}, "category"?}`) refit difficulty and gain. Cases
(`{"messages": [...], "category"?, "reasoning"?, "tool_need"?, "commercial"?}`) refit categories and needs; their
routes need no training, because a policy's examples are learnt when its snapshot arrives.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pointsman_classifier.conversation import utterance
from pointsman_classifier.gain import mixture
from pointsman_classifier.heads import CATEGORIES

from pointsman.cli.evaluate.lines import CaseFile, OutcomeCase, RouteCase
from pointsman.core.errors import ConfigError
from train.examples import Example
from train.gain import fit, raw_weights, tell_kinds
from train.gain_material import Material
from train.linear import Linear, ridge
from train.measures import apgr

Array = npt.NDArray[Any]

SOURCE = "own"
"""Source of a user's rows in the training table."""

_EASIEST, _HARDEST = 0.05, 0.95
_PENALTY = 2_000.0
"""Of what a user's outcomes add to the gain: a few dozen rows move it little, thousands a lot."""


class LabelledCase(RouteCase, frozen=True, kw_only=True):
    """A conversation up to a user turn, and what a person says of it. The route is read over."""

    route: str | None = None
    category: str | None = None
    reasoning: bool | None = None
    tool_need: bool | None = None
    commercial: bool | None = None


class Outcome(NamedTuple):
    """A last user turn, and how well each model answered it."""

    text: str
    quality: dict[str, float]
    category: str | None


def cases(path: Path) -> list[Example]:
    """The rows of a file of cases that say more than a route. Raises ConfigError with line, field and fix."""
    return list(_cases(CaseFile(path, LabelledCase)))


def _cases(file: CaseFile[LabelledCase]) -> Iterator[Example]:
    for place, case in file.scan():
        text = _last(file, place, case)
        if case.category is not None and case.category not in CATEGORIES:
            raise file.wrong(place.number, f"`category` {case.category!r} is none of: {', '.join(CATEGORIES)}")
        needs = [None if flag is None else float(flag) for flag in (case.reasoning, case.tool_need, case.commercial)]
        if case.category is not None or any(need is not None for need in needs):
            yield Example(SOURCE, text, case.category, None, *needs, case.language or "en")


def outcomes(path: Path) -> list[Outcome]:
    """The rows of a file of outcomes. Raises ConfigError with line, field and fix."""
    found = list(_outcomes(CaseFile(path, OutcomeCase)))
    if len(models(found)) < 2:
        raise ConfigError(f"{path}: `quality` names fewer than two models; give every model's quality on each line")
    return found


def _outcomes(file: CaseFile[OutcomeCase]) -> Iterator[Outcome]:
    for place, case in file.scan():
        wrong = next((model for model, quality in case.quality.items() if not 0 <= quality <= 1), None)
        if wrong is not None:
            raise file.wrong(place.number, f"`quality` of {wrong!r} is not from 0 to 1; scale it to that range")
        if not case.quality:
            raise file.wrong(place.number, "`quality` is empty; give one number from 0 to 1 per model")
        yield Outcome(_last(file, place, case), case.quality, case.category)


def _last(file: CaseFile[Any], place: Any, case: Any) -> str:
    """The last user turn, as the router's own parser reads it."""
    return utterance(file.request(place, case, "own").turns).last


def models(found: list[Outcome]) -> list[str]:
    """Their models, the best on average first."""
    names = sorted({name for outcome in found for name in outcome.quality})
    mean = {name: float(np.mean([o.quality[name] for o in found if name in o.quality])) for name in names}
    return sorted(names, key=lambda name: (-mean[name], name))


def examples(found: list[Outcome]) -> list[Example]:
    """Difficulty by the mean quality of all models, and the category where it is one of ours."""
    rows = []
    for outcome in found:
        hard = 1 - float(np.mean(list(outcome.quality.values())))
        category = outcome.category if outcome.category in CATEGORIES else None
        rows.append(Example(SOURCE, outcome.text, category, min(max(hard, _EASIEST), _HARDEST)))
    return rows


def gained(found: list[Outcome]) -> tuple[list[str], Array]:
    """Texts, and the mean quality of the better half of the models less that of the others; rows with both only."""
    order = models(found)
    half = len(order) // 2
    texts, gains = [], []
    for outcome in found:
        strong = [outcome.quality[name] for name in order[:half] if name in outcome.quality]
        weak = [outcome.quality[name] for name in order[half:] if name in outcome.quality]
        if strong and weak:
            texts.append(outcome.text)
            gains.append(float(np.mean(strong) - np.mean(weak)))
    return texts, np.array(gains)


def correction(known: Material, inputs: Array, gains: Array) -> Linear:
    """What outcomes add to the logits of the gain: a ridge on what the head says too little or too much."""
    w, b = raw_weights(tell_kinds(known), fit(known, np.arange(len(known.plain))))
    return added(inputs @ w + b, inputs, gains)


def added(raw: Array, inputs: Array, gains: Array) -> Linear:
    """The same from the raw outputs of a head that was fitted without them."""
    expected = mixture(raw)
    slope = float((expected * (1 - expected)).mean())
    return ridge(inputs, (gains - expected) / slope, _PENALTY)


def report(known: Material, inputs: Array, gains: Array, folds: int = 5) -> str:
    """How the gain orders a user's own prompts without and with them, in folds, as a line of text."""
    w, b = raw_weights(tell_kinds(known), fit(known, np.arange(len(known.plain))))
    raw = inputs @ w + b
    before, after, fold = mixture(raw), np.zeros(len(gains)), np.arange(len(gains)) % folds
    for i in range(folds):
        out = fold == i
        raw[out, -1] = added(raw[~out], inputs[~out], gains[~out])(inputs[out])
    after = mixture(raw)
    return f"gain, APGR on {len(gains)} own outcomes: {apgr(before, gains):.3f} without them, {apgr(after, gains):.3f}"
