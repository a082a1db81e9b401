"""The form of a task: how long its sentences are, how many numbers it gives, whether it offers choices.

A task's form tells more about how hard it is than its subject does: a sum's steps show in its numbers, an exam
question's reach in its clauses. No feature depends on what the text is about; the few word lists (number words,
words of calculation, connectives) cover the languages that most prompts come in.
"""

import math
import re
from itertools import chain

import numpy as np
import numpy.typing as npt

_CHARACTERS = 1_200
"""Only this many characters are looked at."""

_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CHOICE = re.compile(r"^\s*\(?[A-Ja-j1-9][).:]\s*(\S.*)$", re.MULTILINE)
_END = re.compile(r"[.!?](?:\s|$)|[。！？؟]")  # noqa: RUF001 other scripts' marks are meant
_FORMULA = re.compile(r"\\[a-zA-Z]+|[\^=√∫∑≤≥]")
_MEASURE = re.compile(r"\d\s?(?:°|%|[a-zA-Z]{1,3}\b)")
_CODE = ("```", "();", "{", "=>", "==", "def ", "import ", "</", "self.", "::", "SELECT ", "print")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NUMERALS = _words(
    "one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred thousand million "
    "dozen first second third zwei drei vier fünf sechs sieben acht neun zehn zwanzig hundert deux trois quatre cinq "
    "sept huit neuf dix vingt cent dos tres cuatro cinco seis siete ocho nueve diez veinte cien due tre quattro cinque "
    "sei sette otto nove dieci dois três quatro sete oito nove dez два три четыре пять шесть семь восемь девять десять "
    "twee drie vier vijf zes zeven acht negen tien dwa trzy cztery pięć sześć siedem osiem dziesięć iki üç dört beş"
)
_CALCULATION = _words(
    "twice thrice double triple half quarter fifth times each every per more less fewer remaining left rest total sum "
    "percent average altogether difference ratio than much many doppelt hälfte drittel jede jeder jedes pro mehr "
    "weniger übrig insgesamt prozent durchschnitt summe double moitié tiers chaque par plus moins reste total "
    "pourcent moyenne doble mitad tercio cada por más menos restante promedio doppio metà ogni più meno resto media "
    "dobro metade cada mais вдвое половина каждый больше меньше осталось всего процентов сумма"
)
_CONNECTIVES = _words(
    "if then but after before because while unless not except only und wenn aber nachdem weil nicht außer nur et si "
    "mais après avant parce pas sauf y si pero después antes porque no salvo solo e se ma dopo prima perché non "
    "solo mas depois antes não и если но после потому не только"
)

COUNT = 40
"""Length of the vector of `form_features`."""


def form_features(text: str) -> npt.NDArray[np.float32]:
    """Features of one text, shape (COUNT,). Choices, where the text offers some, are counted and else left out."""
    head = text[:_CHARACTERS]
    choices = _CHOICE.findall(head)
    stem = head[: _CHOICE.search(head).start()] if len(choices) > 1 else head  # type: ignore[union-attr]  # found above
    if len(choices) < 2:
        choices = []
    digits = sum(map(str.isdigit, stem))
    size = max(len(stem), 1)
    words = _WORD.findall(stem)
    lower = list(map(str.lower, words))
    count = max(len(words), 1)
    lengths = list(map(len, words))
    numbers = _NUMBER.findall(stem) if digits else []
    numerals = sum(map(_NUMERALS.__contains__, lower))
    quantities = len(numbers) + numerals
    sentences = max(len(_END.findall(stem)), 1)
    commas = stem.count(",") + stem.count("，") + stem.count("、")  # noqa: RUF001 other scripts' marks are meant
    names = sum(word[0].isupper() and not word.isupper() for word in words)
    last = stem.rstrip()[-1:]
    values = (
        math.log1p(size),
        math.log1p(len(words)),
        math.log1p(sentences),
        math.log1p(count / sentences),
        sum(lengths) / count,
        min(max(lengths, default=0), 20),
        sum(length > 9 for length in lengths) / count,
        sum(length < 4 for length in lengths) / count,
        len(set(lower)) / count,
        names / count,
        math.log1p(names),
        math.log1p(len(numbers)),
        math.log1p(len(set(numbers))),
        math.log1p(numerals),
        math.log1p(quantities),
        quantities / (count + len(numbers)),
        quantities / sentences,
        min(max(map(len, numbers), default=0), 8),
        sum("." in number for number in numbers) / max(len(numbers), 1),
        math.log1p(stem.count("%")),
        math.log1p(sum(map(stem.count, "$€£¥"))),
        math.log1p(stem.count("/")),
        math.log1p(len(_FORMULA.findall(stem))),
        math.log1p(len(_MEASURE.findall(stem))) if digits else 0.0,
        math.log1p(sum(map(_CALCULATION.__contains__, lower))),
        math.log1p(sum(map(_CONNECTIVES.__contains__, lower))),
        math.log1p(commas),
        commas / count,
        math.log1p(stem.count("\n")),
        math.log1p(stem.count("(")),
        math.log1p(sum(map(stem.count, '"“„«「'))),
        min(stem.count("?") + stem.count("？"), 3),  # noqa: RUF001 the same
        float(last in "?？"),  # noqa: RUF001 the same
        float(last == "."),
        float("___" in stem),
        math.log1p(sum(map(stem.count, _CODE))),
        float(len(choices)),
        math.log1p(sum(map(len, choices)) / max(len(choices), 1)),
        float(any(map(str.isdigit, chain.from_iterable(choices)))),
        digits / size,
    )
    return np.array(values, np.float32)
