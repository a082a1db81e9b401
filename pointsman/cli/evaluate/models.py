"""`pointsman eval models`: from prompts and how well each model answered them to what choosing is worth."""

import hashlib
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pointsman_classifier.evaluation import abilities, many, two
from pointsman_classifier.evaluation.need import need_of
from pointsman_classifier.evaluation.pairs import Pair

from pointsman.cli import explaining
from pointsman.cli.evaluate.classifiers import Classifier
from pointsman.cli.evaluate.costs import Costs, backend_cost, backends_of, cost_of, read_costs
from pointsman.cli.evaluate.lines import CaseFile, OutcomeCase, Place
from pointsman.core.decide.estimate import need_of as estimate_of
from pointsman.core.errors import ConfigError
from pointsman.core.request import Request
from pointsman.core.snapshot import Backend

_KEY = "evaluation"
Array = npt.NDArray[Any]


class Outcomes(NamedTuple):
    """A checked file: n lines about the same m models."""

    places: list[Place]
    models: tuple[str, ...]
    """In alphabetical order."""
    quality: Array
    """Shape (n, m)."""
    category: list[str]
    """As the lines say; empty where they do not."""
    given: bool
    """Whether every line says its own costs."""


class Pricing(NamedTuple):
    """Where costs come from."""

    words: str
    """For the report."""
    costs: Costs | None = None
    backends: tuple[Backend, ...] = ()


class ModelResult(NamedTuple):
    """What was found."""

    models: tuple[str, ...]
    n: int
    two: two.TwoSummary | None
    """For two models."""
    strong: int
    """The better model of two, by its number."""
    many: many.ManySummary | None
    """For more than two models, or two with costs."""
    priced: str
    """Where costs come from; empty without."""
    abilities: str
    """Where expected quality comes from."""
    seconds: Array
    """The classifier's own time, shape (n,)."""


def read_outcomes(file: CaseFile[OutcomeCase]) -> Outcomes:
    """Check every line. Raises ConfigError with the line's number and the fix."""
    models: tuple[str, ...] = ()
    places, rows, category, given = [], [], [], True
    for place, case in file.scan():
        models = models or tuple(sorted(case.quality))
        _check(file, place.number, case, models)
        file.request(place, case, _KEY)
        places.append(place)
        rows.append([case.quality[model] for model in models])
        category.append(case.category or "")
        given = given and case.cost is not None
    if not places:
        raise ConfigError(f"{file.path}: holds no outcomes; write one JSON object per line")
    return Outcomes(places, models, np.array(rows), category, given)


def _check(file: CaseFile[OutcomeCase], number: int, case: OutcomeCase, models: tuple[str, ...]) -> None:
    if len(models) < 2:
        raise file.wrong(number, "quality names fewer than two models; there is nothing to choose between")
    if set(case.quality) != set(models):
        differing = sorted(set(case.quality) ^ set(models))
        raise file.wrong(
            number, f"quality must name the same models on every line; {', '.join(differing[:3])} differ; complete them"
        )
    for model, quality in case.quality.items():
        if not 0 <= quality <= 1:
            raise file.wrong(number, f"quality of {model} is {quality:g}; it must lie between 0 and 1")
    if case.cost is not None and (
        set(case.cost) != set(models) or not all(math.isfinite(c) and c >= 0 for c in case.cost.values())
    ):
        raise file.wrong(number, "cost must name every model of quality, with numbers of at least 0")


def pricing(outcomes: Outcomes, costs: Path | None, policy: Path | None) -> Pricing:
    """Costs of the lines, else of the costs file, else of the policy's backends, else none. Raises ConfigError."""
    backends: tuple[Backend, ...] = ()
    if policy is not None:
        backends = tuple(backends_of(explaining.load(policy).snapshot, outcomes.models, policy))
    if outcomes.given:
        return Pricing("the lines' own", backends=backends)
    if costs is not None:
        return Pricing(f"{costs.name}", read_costs(costs, outcomes.models), backends)
    if any(backend.input_price or backend.output_price for backend in backends):
        return Pricing("the backends' prices", backends=backends)
    return Pricing("", backends=backends)


class _Seen(NamedTuple):
    """What the classifier and the prices say of every line."""

    needs: list[Any]
    scores: Array
    lengths: Array
    cost: Array
    seconds: Array
    digests: list[bytes]


def evaluate_models(
    file: CaseFile[OutcomeCase],
    outcomes: Outcomes,
    classifier: Classifier,
    prices: Pricing,
    advance: Callable[[], None],
) -> ModelResult:
    """Classify every prompt, and sum up."""
    means = outcomes.quality.mean(axis=0)
    strong = int(means.argmax())
    if len(outcomes.models) == 2 and means[0] == means[1]:
        raise ConfigError(f"{file.path}: both models are equally good on average; there is no gap to recover")
    seen = _look(file, outcomes, classifier, prices, advance)
    if prices.backends:
        expected, source = abilities.expect(seen.needs, prices.backends), "the backends' quality"
    else:
        folds = abilities.folds_of(seen.digests)
        expected = abilities.expected_by_folds(seen.needs, outcomes.quality, folds)
        source = f"learnt per category on the other of {abilities.FOLDS} folds"
    pair = None
    if len(outcomes.models) == 2:
        order = [strong, 1 - strong]
        quality = outcomes.quality[:, order]
        rows = {name: _rows(outcomes.category, name) for name in sorted(set(outcomes.category)) if name}
        pair = two.summarise(seen.scores, Pair(quality[:, 0], quality[:, 1]), seen.lengths, rows, expected[:, order])
    chosen = None
    if pair is None or prices.words:
        chosen = many.summarise(many.Trial(expected, outcomes.quality, seen.cost))
    return ModelResult(outcomes.models, len(outcomes.places), pair, strong, chosen, prices.words, source, seen.seconds)


def _rows(categories: list[str], name: str) -> Array:
    return np.flatnonzero([category == name for category in categories])


def _look(
    file: CaseFile[OutcomeCase],
    outcomes: Outcomes,
    classifier: Classifier,
    prices: Pricing,
    advance: Callable[[], None],
) -> _Seen:
    classifier.prepare(_KEY, [])
    needs, digests = [], []
    scores, lengths, seconds = (np.zeros(len(outcomes.places)) for _ in range(3))
    cost = np.ones(outcomes.quality.shape)
    for i, (place, case) in enumerate(file.read(outcomes.places)):
        request = file.request(place, case, _KEY)
        began = time.perf_counter()
        said = classifier.classify(_KEY, request.turns, frozenset())
        seconds[i] = time.perf_counter() - began
        needs.append(estimate_of(said))
        scores[i] = need_of(said, case.category)
        lengths[i] = len(request.last_user_text)
        digests.append(hashlib.sha256(request.last_user_text.encode("utf-8", "replace")).digest())
        if prices.words:
            cost[i] = _costs(case, request, outcomes, prices)
        advance()
    return _Seen(needs, scores, lengths, cost, seconds, digests)


def _costs(case: OutcomeCase, request: Request, outcomes: Outcomes, prices: Pricing) -> list[float]:
    if outcomes.given and case.cost is not None:
        return [case.cost[model] for model in outcomes.models]
    if prices.costs is not None:
        return [cost_of(prices.costs, model, request) for model in outcomes.models]
    return [backend_cost(backend, request) for backend in prices.backends]


def open_outcomes(path: Path) -> CaseFile[OutcomeCase]:
    """The outcomes file at a path."""
    return CaseFile(path, OutcomeCase)
