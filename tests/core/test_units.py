"""Money and durations are exact."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core import money
from pointsman.core.durations import milliseconds, seconds
from pointsman.core.errors import ConfigError


@given(st.integers(0, 10**26))
def test_money_survives_the_way_out_and_in(amount: int) -> None:
    assert money.picos(money.decimal(amount)) == amount


@given(st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,12})?", fullmatch=True))
def test_money_is_what_the_decimal_says(text: str) -> None:
    assert money.picos(text) == Decimal(text) * 10**12


@given(st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,6})?", fullmatch=True))
def test_prices_with_six_digits_are_exact(text: str) -> None:
    assert money.picos_per_token(text) * 10**6 == money.picos(text)


@given(st.text())
def test_other_text_is_no_money(text: str) -> None:
    try:
        assert money.picos(text) >= 0
    except ConfigError:
        assert True


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0"), (1, "0.000000000001"), (10**12, "1"), (-25 * 10**10, "-0.25"), (10**13, "10")]
)
def test_money_for_people(amount: int, text: str) -> None:
    assert money.decimal(amount) == text


def test_a_price_below_a_pico_per_token_is_a_clear_problem() -> None:
    with pytest.raises(ConfigError, match="finer than a pico per token"):
        money.picos_per_token("0.0000001")


@pytest.mark.parametrize(
    ("text", "value"), [("0s", 0.0), ("250ms", 0.25), ("1m30s", 90.0), ("5h", 18000.0), ("1h1m1s1ms", 3661.001)]
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


@given(st.lists(st.tuples(st.integers(0, 99999), st.sampled_from(["h", "m", "s", "ms"])), min_size=1, max_size=4))
def test_durations_add_up(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{number}{unit}" for number, unit in parts)
    assert milliseconds(text) == sum(milliseconds(f"{number}{unit}") for number, unit in parts)


@pytest.mark.parametrize("text", ["", "5", "1d", "1.5s", "-1s", "1h ", "1h\n", "\u0661s", "1s1s1s1s1s", "100000s"])
def test_other_text_is_no_duration(text: str) -> None:
    with pytest.raises(ConfigError):
        seconds(text)
