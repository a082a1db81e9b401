import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.tokens import estimate_tokens, token_weight


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("", 0, 0),
        ("a", 1, 1),
        ("The quick brown fox jumps over the lazy dog.", 8, 14),
        ("Der schnelle braune Fuchs springt über den faulen Hund, schön und müde.", 14, 24),
        ("Быстрая коричневая лиса прыгает через ленивую собаку.", 14, 28),
        ("敏捷的棕色狐狸跳过了懒狗。", 7, 16),
        ("素早い茶色の狐がのろまな犬を飛び越える。", 10, 22),
        ("빠른 갈색 여우가 게으른 개를 뛰어넘는다.", 8, 24),
        ("ส้มตำไทยอร่อยมาก", 6, 18),
        ("🚂🚃🚃", 3, 9),
        ("def main():\n    return [x for x in range(10)]\n", 8, 20),
    ],
)
def test_estimates_are_near_what_tokenizers_give(text: str, least: int, most: int):
    assert least <= estimate_tokens(text) <= most


@given(st.text(), st.text())
def test_weights_add_up_so_that_a_stream_may_be_cut_anywhere(one: str, other: str):
    assert token_weight(one + other) == pytest.approx(token_weight(one) + token_weight(other))


@given(st.text(min_size=1))
def test_anything_but_nothing_costs_at_least_one_token(text: str):
    assert estimate_tokens(text) >= 1


def test_lone_surrogates_are_counted_too():
    assert estimate_tokens("\ud83d") >= 1


def test_a_megabyte_is_counted_fast():
    text = "a longer prompt, längere Anfrage, 更长的提示 " * 20_000
    best = min(_seconds(text) for _ in range(3))
    assert best < 0.1  # about 10 ms on a slow machine


def _seconds(text: str) -> float:
    began = time.perf_counter()
    estimate_tokens(text)
    return time.perf_counter() - began
