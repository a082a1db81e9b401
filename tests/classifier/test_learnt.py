"""What a policy's examples teach, without the encoder."""

import numpy as np
from pointsman_classifier import lexical
from pointsman_classifier.learnt import GAUSSIAN, PENALTY, WIDTH, Learnt, fitted, learn
from pointsman_classifier.towers import JoinedTower, Tower, Towers, from_arrays, to_arrays
from pointsman_classifier.vectors import unit


def logits(learnt: Learnt, text: str, vector: lexical.Array) -> lexical.Array:
    """Of each route, as `learnt` defines it."""
    u = unit(vector - learnt.middle)
    likeness = GAUSSIAN * np.exp(WIDTH * (learnt.points @ u - 1)) @ learnt.weights + u @ learnt.linear + learnt.bias
    total: lexical.Array = likeness + lexical.Lexicon((learnt.words, learnt.rarity)).products([text])[0]
    return total


def test_the_embedding_and_the_letters_both_tell_routes_apart() -> None:
    draw = np.random.default_rng(1)
    apart = unit(draw.normal(0, 1, (2, 512)).astype(np.float32))
    owners = np.repeat([0, 1], 8)
    near = unit(apart[owners] + draw.normal(0, 0.03, (16, 512)).astype(np.float32))
    texts = [f"{'invoice' if owner == 0 else 'password'} {i}" for i, owner in enumerate(owners)]
    by_meaning = learn(["same"] * 16, near, owners, 2, 16)
    assert [logits(by_meaning, "same", apart[i]).argmax() for i in (0, 1)] == [0, 1]
    blurred = unit(draw.normal(0, 1, (1, 512)).astype(np.float32) + draw.normal(0, 0.01, (16, 512)).astype(np.float32))
    by_letters = learn(texts, blurred, owners, 2, 16)
    assert [logits(by_letters, t, blurred.mean(axis=0)).argmax() for t in ("my invoice", "passwords")] == [0, 1]


def test_the_regression_is_fitted_to_its_end() -> None:
    """There each weight times the penalty is the text's error; leaving one out (`usual`) relies on it."""
    draw = np.random.default_rng(4)
    x = unit(draw.normal(0, 1, (60, 200)).astype(np.float32))
    kernel, targets = (x @ x.T).astype(np.float32), np.eye(5, dtype=np.float32)[np.arange(60) % 5]
    weights, bias = fitted(kernel, targets)
    logits = kernel @ weights + bias
    odds = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.abs(targets - odds - weights * (PENALTY / 5) * 60).max() < 0.01
    assert np.abs((targets - odds).sum(axis=0)).max() < 0.01


def test_texts_given_many_times_are_learnt() -> None:
    draw = np.random.default_rng(5)
    owners = np.arange(900) % 3
    learnt = learn(["same"] * 900, unit(draw.normal(0, 1, (3, 512)).astype(np.float32))[owners], owners, 3, 900)
    assert np.isfinite(learnt.weights).all()


def test_grams_of_alike_words_are_alike() -> None:
    index = lexical.Lexicon(lexical.index(["transfer money", "play a song"]))
    likeness = index.products(["money transfers", "", "a song"])
    assert likeness.argmax(axis=1).tolist()[::2] == [0, 1]
    assert np.isfinite(likeness).all()
    assert np.allclose(index.products(["play a song"])[0, 1], 1, atol=1e-3)


def test_towers_without_weights_change_nothing() -> None:
    zero = Tower(*(np.zeros(shape, np.float32) for shape in ((512, 2), (2, 512), (512, 3), 3, (3, 512), 512)))
    x = unit(np.random.default_rng(2).normal(0, 1, (4, 512)).astype(np.float32))
    towers = Towers(zero, zero, zero, np.zeros(512, np.float32), x[:1])
    assert np.allclose(towers.of_descriptions(x), x, atol=1e-5)
    assert towers.familiarity(x).round(2).tolist()[0] == 1
    again = from_arrays(to_arrays(towers))
    assert np.array_equal(again.known, towers.known)


def test_a_joined_tower_is_the_tower() -> None:
    draw = np.random.default_rng(3)
    shapes = ((512, 8), (8, 512), (512, 6), 6, (6, 512), 512)
    tower = Tower(*(draw.normal(0, 0.1, shape).astype(np.float32) for shape in shapes))
    centre, x = draw.normal(0, 0.1, 512).astype(np.float32), draw.normal(0, 1, (3, 512)).astype(np.float32)
    assert np.allclose(JoinedTower(tower, centre)(x), tower(x - centre), atol=1e-5)
