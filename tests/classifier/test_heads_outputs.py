"""What the heads give, and what a reader of it may rely on."""

import numpy as np
import pytest
from pointsman_classifier.conversation import task
from pointsman_classifier.embedded import EmbeddedClassifier
from pointsman_classifier.encoder import Encoder
from pointsman_classifier.form import COUNT, form_features
from pointsman_classifier.gain import mixture
from pointsman_classifier.heads import GUARD, OUTPUTS, Heads, judgement

from pointsman.core.request import Turn
from pointsman.core.signals import Classification

EVERYTHING = frozenset[str]()


@pytest.fixture(scope="module")
def ask(classifier: EmbeddedClassifier):  # type: ignore[no-untyped-def]  # a closure over the session's classifier
    classifier.prepare("heads", ())

    def said(*texts: str) -> Classification:
        turns = tuple(Turn("user" if i % 2 == 0 else "assistant", text) for i, text in enumerate(texts))
        return classifier.classify("heads", turns, None, EVERYTHING)

    return said


def test_outputs_are_those_of_the_table(encoder: Encoder) -> None:
    heads = Heads.load()
    outputs = heads.outputs("hello!", encoder.embed("hello!"))
    assert list(outputs) == list(OUTPUTS)
    for name, array in outputs.items():
        assert array.shape == (OUTPUTS[name],), name
        assert array.dtype == np.float32, name
        assert array.min() >= 0, name
        assert array.max() <= 1, name
    again = judgement({name: array[None] for name, array in outputs.items()})  # a server's rows
    assert again.difficulty == heads.judge("hello!", encoder.embed("hello!")).difficulty
    assert set(again.guard) == set(GUARD)


@pytest.mark.parametrize("text", ["", " ", "?", "\ud800", "1" * 5000, "A. \nB. \n", "漢字" * 3000, "\x00"])
def test_any_text_has_finite_features(text: str) -> None:
    features = form_features(text)
    assert features.shape == (COUNT,)
    assert np.isfinite(features).all()


def test_choices_are_counted_and_do_not_lengthen_the_question() -> None:
    stem = "Which of these is a prime number?"
    listed = form_features(f"{stem}\nA. 4\nB. 7\nC. 9\nD. 12")
    assert listed[36] == 4
    assert listed[1] == form_features(stem)[1]


def test_the_mixture_lies_between_its_parts() -> None:
    raw = np.array([[5.0, 0, 0, 2, -2, -2, 0], [0, 5, 0, 2, -2, -2, 0], [0, 0, 5, 2, -2, 2, 0]], np.float32)
    gains = mixture(raw)
    assert gains[0] > 0.8
    assert gains[1] < 0.2
    assert gains[2] > 0.8
    assert mixture(raw[0] + np.array([0, 0, 0, 0, 0, 0, 1], np.float32)) > gains[0]


def test_a_strong_model_gains_more_on_work_than_on_small_talk(ask) -> None:  # type: ignore[no-untyped-def]  # as above
    low = [ask(text).gain for text in ("hello!", "Danke, bis morgen!", "How are you today?")]
    high = [
        ask(text).gain
        for text in (
            "Prove that there are infinitely many primes of the form 4k + 3.",
            "Implement a lock-free queue in C++ and explain why it is correct.",
            "Wie viele Wege führen in einem Gitter von (0,0) nach (6,5), ohne die Diagonale zu kreuzen?",
        )
    ]
    assert max(low) < 0.15 < min(high)


def test_difficulty_is_low_for_small_talk_and_high_for_proofs(ask) -> None:  # type: ignore[no-untyped-def]  # as above
    assert ask("hello!").difficulty.value < 0.2
    assert ask("What is the capital of France?").difficulty.value < 0.35
    assert ask("Prove that every finite integral domain is a field.").difficulty.value > 0.6


def test_a_follow_up_is_worth_what_it_is_about(ask) -> None:  # type: ignore[no-untyped-def]  # as above
    follow = "Now do it in three sentences."
    hard = ask("Prove that the square root of 7 is irrational.", "Suppose that it is p/q ...", follow)
    easy = ask("Say hello to my colleagues.", "Hello, everyone!", follow)
    assert hard.gain > ask(follow).gain
    assert hard.gain > easy.gain
    assert hard.difficulty == easy.difficulty  # of the last turn alone


def test_the_task_is_the_last_two_user_turns() -> None:
    turns = [Turn("system", "be kind"), Turn("user", "one"), Turn("assistant", "x"), Turn("user", "two")]
    assert task(tuple(turns)) == "one\ntwo"
    assert task((*turns, Turn("user", "three"))) == "two\nthree"
    assert task(tuple(turns[:3])) == ""
    assert len(task((Turn("user", "a" * 9000), Turn("user", "b" * 9000)))) < 1300
