"""Languages are told where they can be, and not guessed where they cannot."""

# ruff: noqa: RUF001  (other scripts' punctuation is meant)

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pointsman_classifier.language import MIN_CONFIDENCE, LanguageDetector


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "hello!"),
        ("en", "Where can I find a good bakery in this town?"),
        ("de", "Schreib mir eine SQL-Abfrage"),
        ("de", "Danke"),
        ("fr", "Comment faire une tarte aux pommes ?"),
        ("es", "¿Dónde está la biblioteca?"),
        ("it", "Ciao, come stai?"),
        ("pt", "Quanto é 12 vezes 7?"),
        ("nl", "Wat is de hoofdstad van Frankrijk?"),
        ("pl", "Jak się masz?"),
        ("tr", "Bugün hava nasıl?"),
        ("ru", "Какая сегодня погода?"),
        ("uk", "Яка сьогодні погода в Києві?"),
        ("zh", "你好"),
        ("ja", "東京の天気を教えて"),
        ("ko", "안녕"),
        ("ar", "كيف حالك اليوم؟"),
        ("th", "วันนี้อากาศเป็นอย่างไร"),
        ("hi", "आज मौसम कैसा है?"),
        ("el", "Καλημέρα"),
    ],
)
def test_languages(detector: LanguageDetector, language: str, text: str) -> None:
    found, confidence = detector.detect(text)
    assert found == language
    assert MIN_CONFIDENCE <= confidence <= 1


@pytest.mark.parametrize("text", ["", "  ", "2+2", "🎉", "\ud800", "lol", "print('x')", "x", "12:30"])
def test_what_has_no_language_is_not_guessed(detector: LanguageDetector, text: str) -> None:
    assert detector.detect(text)[0] is None


def test_only_the_beginning_is_looked_at(detector: LanguageDetector) -> None:
    text = "This sentence is written in plain English. " * 10
    assert detector.detect(text + "и это уже нет" * 100_000) == detector.detect(text)


@example(text="\U00017000")  # a letter without a name
@given(text=st.text(st.characters(exclude_categories=()), max_size=80))
def test_any_text_has_an_answer(detector: LanguageDetector, text: str) -> None:
    language, confidence = detector.detect(text)
    assert language is None or confidence >= MIN_CONFIDENCE
    assert 0 <= confidence <= 1.0001
