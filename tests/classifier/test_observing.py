"""What is observed of turns, all at once and in folded form, is what each part of it says by its definition."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pointsman_classifier import lexical
from pointsman_classifier.encoder import Encoder
from pointsman_classifier.exchange import Exchange, Observed
from pointsman_classifier.heads import Heads
from pointsman_classifier.learnt import GAUSSIAN, WIDTH
from pointsman_classifier.observing import AGREEMENT, LEARNT, LEARNT_BY_SIZE, SHOWN, TOWERS, WORDS
from pointsman_classifier.routes import Prototypes, RouteText, prototypes
from pointsman_classifier.scoring import Scorer, observer
from pointsman_classifier.vectors import unit
from pointsman_classifier.view import view
from pointsman_classifier.weighing import (
    TURN_FEATURES,
    move_features,
    null_features,
    null_move_features,
    route_features,
)

from tests.classifier.labelled import COMPANY, POLICY, WITH_EXAMPLES

UNEVEN = (
    RouteText("billing", "bank", examples=("Where is my invoice?", "I was charged twice", "refund", "Rechnung")),
    RouteText("cards", "bank", "block a card", "Lost and stolen cards."),
    RouteText("weather", examples=("Regnet es morgen?",)),
)
MANY = tuple(
    RouteText(r.name, r.domain, r.action, r.description, r.examples + tuple(f"{e} please" for e in r.examples) * 2)
    for r in WITH_EXAMPLES
)
POLICIES = {"plain": POLICY, "examples": WITH_EXAMPLES, "company": COMPANY, "uneven": UNEVEN, "many": MANY}
TEXTS = ("I lost my card", "Write a haiku", "", "Wie wird das Wetter?", "print('hello')", "why was I charged 12.50?")


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.load()


@pytest.fixture(scope="module")
def heads() -> Heads:
    return Heads.load()


@pytest.fixture(scope="module")
def made(encoder: Encoder, scorer: Scorer, heads: Heads) -> dict[str, Prototypes]:
    return {key: prototypes(p, encoder.embed, scorer.reading, heads.category) for key, p in POLICIES.items()}


@pytest.fixture(scope="module")
def exchanges(encoder: Encoder, heads: Heads) -> tuple[Exchange, ...]:
    """One that opens a conversation, and some that go on."""
    found = []
    for before, text in pairwise(("", *TEXTS)):
        vector = encoder.embed(text)
        answer = encoder.embed(before) if before else None
        found.append(Exchange(text, vector, heads.category(text, vector), before, answer))
    return tuple(found)


def likeness(routes: Prototypes, text: str) -> lexical.Array:
    return lexical.Lexicon(routes.words).products([text])[0]


def defined(turn: Exchange, routes: Prototypes, scorer: Scorer) -> np.ndarray:
    """The columns of one exchange as their definitions read."""
    w, towers, u = scorer._weights, scorer.reading.towers, turn.vector
    p, q = (0.97 * c + 0.03 / 16 for c in (turn.category, routes.categories))

    def by_familiarity(cosines: np.ndarray) -> list[np.ndarray]:
        apart = cosines - cosines.mean()
        return [apart * routes.familiarity, apart * (1 - routes.familiarity)]

    columns = [
        *(rows @ u for rows in (routes.full, routes.description, routes.title)),
        routes.centred @ unit(u - w.request_centre),
        likeness(routes, turn.text),
        np.log(16 * (q @ p)),
        *by_familiarity(routes.shared @ towers.user((u - towers.centre)[None])[0]),
    ]
    shown, answered = np.zeros((5, len(q))), np.zeros((4, len(q)))
    if routes.learnt is not None:
        learnt = routes.learnt
        cosines = np.split(routes.examples @ u, np.cumsum(routes.example_counts)[:-1])
        around = unit(u - learnt.middle)
        logits = GAUSSIAN * np.exp(WIDTH * (learnt.points @ around - 1)) @ learnt.weights + around @ learnt.linear
        logits += learnt.bias + lexical.Lexicon((learnt.words, learnt.rarity)).products([turn.text])[0]
        shown[0] = [max(each, default=0) for each in cosines]
        shown[1] = [np.sort(each)[-3:].mean() if len(each) else 0 for each in cosines]
        shown[2] = routes.centroids @ unit(u - routes.middle)
        shown[3:] = logits, logits * np.log(len(q)) / 5
    if turn.assistant is not None:
        moved = towers.assistant((turn.assistant - towers.centre)[None])[0]
        answered[0] = routes.centred @ unit(turn.assistant - w.assistant_centre)
        answered[1] = likeness(routes, turn.assistant_text)
        answered[2:] = by_familiarity(routes.shared @ moved)
    return np.vstack([*columns, shown, answered])


@pytest.mark.parametrize("key", POLICIES)
def test_what_is_observed_is_what_is_defined(
    key: str, made: dict[str, Prototypes], exchanges: tuple[Exchange, ...], scorer: Scorer
) -> None:
    w = scorer._weights
    looked = view(made[key], w.request_centre, w.assistant_centre)
    seen = observer(scorer.reading, w).observe(exchanges, looked)
    for t, turn in enumerate(exchanges):
        assert np.allclose(seen.columns[t], defined(turn, made[key], scorer), atol=2e-5)
        before = np.zeros(512) if turn.assistant is None else turn.assistant - w.assistant_centre
        said = np.concatenate([turn.vector - w.request_centre, before, [1]])
        assert np.allclose(seen.turning[t], said @ w.turning, atol=2e-5)
        assert seen.opening[t] == (turn.assistant is None)
    assert (WORDS, AGREEMENT, TOWERS, SHOWN) == (4, 5, 6, 5)  # the order of the rows above
    assert LEARNT_BY_SIZE == LEARNT + 1


@pytest.mark.parametrize("key", POLICIES)
def test_folded_weights_give_the_features_probabilities(
    key: str, made: dict[str, Prototypes], exchanges: tuple[Exchange, ...], scorer: Scorer
) -> None:
    """One turn after a known route, by the features that training weighs, without folding and without following."""
    w, names = scorer._weights, made[key].names
    looked = view(made[key], w.request_centre, w.assistant_centre)
    folded = scorer.fold(made[key])
    for turn in exchanges:
        seen = observer(scorer.reading, w).observe((turn,), looked)
        features = route_features(seen.columns[0], bool(seen.opening[0]), looked)
        logits = (features - features.mean(axis=0)) @ w.routes[:TURN_FEATURES]
        (nothing,) = null_features(seen, looked)
        level = 0 if looked.usual is None else np.log(np.exp(logits).sum())
        after = [softmax(np.append(logits, nothing @ w.nothing + level))]
        for previous in range(len(names)):
            move = move_features(previous, looked.near, looked.siblings, seen.turning[0])
            nothing[-2:] = null_move_features(seen.turning[0])
            after.append(softmax(np.append(logits + move @ w.routes[TURN_FEATURES:], nothing @ w.nothing + level)))
        wanted = {None: after[0], **{name: 0.3 * after[0] + 0.7 * p for name, p in zip(names, after[1:], strict=True)}}
        for previous_route, p in wanted.items():
            found = scorer.fit(Observed((turn,), previous_route), folded, names)
            assert list(found) == list(names)
            assert np.allclose(list(found.values()), p[:-1], atol=2e-5)


def softmax(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits - logits.max())
    return np.asarray(odds / odds.sum())


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(max_size=450), min_size=1, max_size=4))
def test_grams_of_many_texts_are_those_of_each(texts: list[str]) -> None:
    for text, found in zip(texts, lexical.grams(texts), strict=True):
        (alone,) = lexical.grams([text])
        assert np.array_equal(alone.buckets, found.buckets)
        assert np.array_equal(alone.counts, found.counts)
        padded = f" {text[:400].lower().strip()} "
        grams = {padded[i : i + n] for n in (2, 3, 4, 5) for i in range(len(padded) - n + 1)}
        assert len(found.buckets) == len(grams)
