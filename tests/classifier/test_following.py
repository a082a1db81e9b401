"""A conversation's context is taken in pairs, and what was believed before a turn is carried into it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pointsman_classifier.conversation import SILENCE, utterance
from pointsman_classifier.exchange import exchanges
from pointsman_classifier.following import follow

from pointsman.core.request import Turn


def believed(*turns: list[float], stays: float = 2.0, previous: int | None = None) -> list[float]:
    moves = np.diag(np.array([stays, stays, 0], np.float32))
    logits = np.array([[*turn, -2.0] for turn in turns], np.float32)
    return [round(float(p), 3) for p in follow(logits, lambda _, before: moves[before], previous)]


def test_a_follow_up_that_says_nothing_stays() -> None:
    alone = believed([0, 0])
    after = believed([4, 0], [0, 0])
    assert alone[0] == alone[1]
    assert after[0] > 0.7 > after[1]
    assert sum(after) == pytest.approx(1, abs=2e-3)


def test_a_turn_that_says_something_else_leaves() -> None:
    assert believed([4, 0], [0, 6])[1] > 0.9


def test_the_route_chosen_before_counts_where_the_text_says_little() -> None:
    assert believed([0, 0], previous=1)[1] > believed([0, 0])[1]
    assert believed([6, 0], previous=1)[0] > 0.8


def test_the_context_comes_in_pairs_latest_first() -> None:
    turns = tuple(Turn(*pair) for pair in (("user", "a"), ("assistant", "b"), ("user", "c"), ("user", "d")))
    assert utterance(turns) == ("d", (SILENCE, "c", "b", "a"))
    assert utterance(turns[1:3]) == ("c", ("b", SILENCE))
    assert utterance(turns[:1]) == ("a", ())


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "system", "tool"]), st.sampled_from(["", "x", "y"]))))
def test_any_context_is_even_and_short(said: list[tuple[str, str]]) -> None:
    found = utterance(tuple(Turn(role, text) for role, text in said))
    assert len(found.earlier) % 2 == 0
    assert len(found.earlier) <= 14
    assert all(found.earlier)


def test_exchanges_are_in_the_order_in_which_they_were_said() -> None:
    texts = ("last", "answer", "second", SILENCE, "first", "greeting", SILENCE)
    found = exchanges(texts, np.eye(len(texts), 512, dtype=np.float32), np.zeros((len(texts), 16), np.float32))
    assert [(each.text, each.assistant_text) for each in found] == [
        ("first", "greeting"),
        ("second", ""),
        ("last", "answer"),
    ]
    assert found[1].assistant is None
