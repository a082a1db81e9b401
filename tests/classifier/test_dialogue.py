"""The filter over conversations: what was fitted is what is served, by right gradients, and it goes on as people do."""

import numpy as np
import pytest
from pointsman_classifier.dialogue import FITS, Ways, going, opening, step
from pointsman_classifier.embedded import EmbeddedClassifier
from pointsman_classifier.observing import COLUMNS, PLAIN
from pointsman_classifier.routes import RouteText
from train import backpropagation
from train import dialogue as fitting

from pointsman.core.request import Turn

HIDDEN, ROUTES, TURNS = 6, 7, 5


def some_weights(draw: np.random.Generator) -> backpropagation.Learning:
    shapes = ((1026, HIDDEN), (HIDDEN + 1, 8), (5, FITS), (3,))
    return backpropagation.Learning(*(draw.normal(0, 0.2, shape) for shape in shapes))


def some_turns(draw: np.random.Generator, answered_first: bool) -> backpropagation.Turns:
    domains = np.array([0, 0, 0, 1, 1, 2, 3])
    siblings = (domains[:, None] == domains).astype(float) * 0.9
    np.fill_diagonal(siblings, 0)
    said = draw.normal(0, 0.1, (TURNS, 1026))
    said[:, 1024:] = 1
    if not answered_first:
        said[0, 512:1025] = 0
    fits = draw.normal(0, 1, (TURNS, ROUTES, FITS))
    kept = np.ones((TURNS, HIDDEN))
    return backpropagation.Turns(
        said, fits - fits.mean(axis=1, keepdims=True), draw.normal(0, 1, ROUTES), siblings, kept
    )


@pytest.mark.parametrize("answered_first", [False, True])
def test_gradients_are_those_of_the_loss(answered_first: bool) -> None:
    draw = np.random.default_rng(3)
    w, turns, route = some_weights(draw), some_turns(draw, answered_first), draw.integers(0, ROUTES, TURNS)

    def loss(weights: backpropagation.Learning) -> float:
        beliefs, _ = backpropagation.forward(weights, turns)
        return -float(np.log(beliefs[np.arange(TURNS), route]).sum())

    beliefs, kept = backpropagation.forward(w, turns)
    assert np.allclose(beliefs.sum(axis=1), 1, atol=1e-5)
    toward = np.zeros_like(beliefs)
    toward[np.arange(TURNS), route] = -1 / beliefs[np.arange(TURNS), route]
    for part, gradient in zip(w._fields, backpropagation.backward(w, turns, kept, beliefs, toward), strict=True):
        for _ in range(5):
            place = tuple(int(draw.integers(size)) for size in gradient.shape)
            nudge = np.zeros_like(gradient)
            nudge[place] = 1e-6
            up, down = (loss(w._replace(**{part: getattr(w, part) + sign * nudge})) for sign in (1, -1))
            assert gradient[place] == pytest.approx((up - down) / 2e-6, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("answered_first", [False, True])
def test_what_is_served_is_what_was_fitted(answered_first: bool) -> None:
    draw = np.random.default_rng(4)
    w, turns = some_weights(draw), some_turns(draw, answered_first)
    centres = (draw.normal(0, 0.1, 512), draw.normal(0, 0.1, 512))
    served = fitting._shipped(w, np.zeros(513), centres)
    users = turns.said[:, :512] / 3 + centres[0]
    answers = (turns.said[:, 512:1024] / 3 + centres[1]) * turns.said[:, 1024:1025]
    fits = (turns.fits / fitting._SCALE).transpose(0, 2, 1)
    columns = np.zeros((TURNS, COLUMNS, ROUTES))
    columns[:, :PLAIN], columns[:, -4:] = fits[:, :PLAIN], fits[:, PLAIN:-1]
    among = Ways(turns.doing, turns.siblings, np.float32(1))
    seen = going(served, among, users, answers, columns, fits[:, -1])
    belief = opening(seen, np.full(ROUTES, 1 / ROUTES), among.share)
    wanted, _ = backpropagation.forward(w, turns)
    assert np.allclose(belief, wanted[0], atol=1e-4)
    for t in range(1, TURNS):
        belief = step(served, among, seen, t, belief)
        assert np.allclose(belief, wanted[t], atol=1e-4)


SERVICES = (
    RouteText("find-train", "trains", "find train", "Find trains between two cities."),
    RouteText("buy-train-ticket", "trains", "buy train ticket", "Buy a ticket for a train."),
    RouteText("find-museum", "museums", "find museum", "Find museums and exhibitions in a city."),
    RouteText("buy-museum-ticket", "museums", "buy museum ticket", "Buy tickets for a museum."),
    RouteText("forecast", "weather", "get forecast", "Tell what the weather will be."),
)
SAID = (
    ("user", "I want to go from Leeds to York on Friday. Which trains are there?", "find-train"),
    ("assistant", "There is one at 10:05 and one at 11:40.", ""),
    ("user", "Is there one before 9?", "find-train"),
    ("assistant", "Yes, at 8:35, for 14 pounds. Shall I buy a ticket?", ""),
    ("user", "Yes, please.", "buy-train-ticket"),
    ("assistant", "Please confirm: one ticket from Leeds to York at 8:35.", ""),
    ("user", "That is right.", "buy-train-ticket"),
    ("assistant", "It is done. Anything else?", ""),
    ("user", "Thanks. Will it rain there on Friday?", "forecast"),
    ("assistant", "No, it will be sunny.", ""),
    ("user", "Good. Then look for a museum there, please.", "find-museum"),
)


def test_a_conversation_goes_from_asking_to_doing_and_elsewhere(classifier: EmbeddedClassifier) -> None:
    classifier.prepare("services", SERVICES)
    names = frozenset(route.name for route in SERVICES)
    right = []
    for end, (who, _, wanted) in enumerate(SAID):
        if who == "user":
            turns = tuple(Turn(role, text) for role, text, _ in SAID[: end + 1])
            found = classifier.classify("services", turns, None, names).routes
            assert 0 <= sum(found.values()) <= 1 + 1e-5
            right.append(max(found, key=lambda name: found[name]) == wanted)
    assert sum(right) >= len(right) - 1
