"""Fits the scorer on samples of many policies, and says what it does on policies of sources that it did not see."""

from typing import Any

import numpy as np
import numpy.typing as npt

from train.measures import auc, calibration_error
from train.routes import Trainer
from train.scorer import Sample, distribution, fit_scorer
from train.settings import Setting

Array = npt.NDArray[Any]

_ASSISTANT_SHARE = 3.0
"""How much ordinary assistant policies count beside each other source."""

_ASSISTANT_STRANGERS = 3.0
"""How much a request that no route fits counts beside another for assistants: theirs is the default route's traffic."""

_STRANGER_SHARE = 0.2
"""The same for other sources: there are more of them here than
there will be, and a wrong "none" costs as much as a wrong route."""


def fit_on(data: dict[str, list[Sample]]) -> tuple[Array, Array]:
    """The scorer fitted on the samples of some settings."""
    share = {s: (_ASSISTANT_SHARE if s == "assistant" else 1.0) / len(found) for s, found in data.items()}
    rare = {s: _ASSISTANT_STRANGERS if s == "assistant" else _STRANGER_SHARE for s in data}
    weighed = [
        (sample, share[s] * (rare[s] if sample.target == len(sample.features) else 1.0))
        for s, found in data.items()
        for sample in found
    ]
    return fit_scorer([sample for sample, _ in weighed], np.array([weight for _, weight in weighed]))


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
