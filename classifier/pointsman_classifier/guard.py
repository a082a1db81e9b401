"""Hints of attacks and of personal data in a prompt. No safety product: see the model card.

Injections and jailbreaks are linear in the embedding alone: with lengths and other surface features the heads learnt
what their sources look like instead. Personal data is patterns first (numbers whose check digits are right), then the
embedding.
"""

import math
import re

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

GUARD = ("injection", "jailbreak", "pii")
"""The scores, in the order of the columns."""

PATTERNS = 9
"""Length of the vector of `pattern_features`."""

_CHARACTERS = 4_000
"""Only this many characters are searched for personal data."""

_LEAST_DIGITS = 6
"""Of the numbers that mean a person: cards, accounts, telephones, identity cards."""

_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{2,}")
_NUMBER = re.compile(r"(?<![\w.])\+?\(?\d[\d ().\-/]{5,24}\d(?![\w])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b")
_ADDRESS = re.compile(r"(?<!\d)(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_DATE = re.compile(r"\b(?:\d{1,2}[./-]){2}(?:19|20)\d\d\b|\b(?:19|20)\d\d(?:[./-]\d{1,2}){2}\b")
_HOUSE = re.compile(r"\b\d{1,5} [A-Z]\w+,? [A-Z]")
_STREET = re.compile(r"(?:straße|strasse|weg|platz) \d")
_SOCIAL = re.compile(r"\b\d{3}-\d{2}-\d{4}\b|\b[A-Z]{1,2}\d{6,8}[A-Z]?\b|\b\d{17}[\dXx]\b")


def pattern_features(text: str) -> Array:
    """Counts of what looks like personal data, shape (PATTERNS,), each as log(1 + count)."""
    head = text[:_CHARACTERS]
    known = sum(map(head.count, "0123456789"))
    if not known and "@" not in head:
        return np.zeros(PATTERNS, np.float32)
    long = known >= _LEAST_DIGITS  # most prompts have no number as long as those that follow
    digits = [re.sub(r"\D", "", found) for found in _NUMBER.findall(head)] if long else []
    cards = sum(13 <= len(number) <= 19 and luhn(number) for number in digits)
    counts = (
        len(_MAIL.findall(head)) if "@" in head else 0,
        cards,
        sum(13 <= len(number) <= 19 for number in digits) - cards,
        sum(8 <= len(number) <= 12 for number in digits),
        sum(map(iban, _IBAN.findall(head))) if long else 0,
        sum(all(int(part) < 256 for part in found.split(".")) for found in _ADDRESS.findall(head)),
        len(_DATE.findall(head)),
        len(_HOUSE.findall(head)) + len(_STREET.findall(head)),
        len(_SOCIAL.findall(head)) if long else 0,
    )
    return np.array([math.log1p(count) for count in counts], np.float32)


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others, as on payment cards."""
    doubled = (sum(divmod(2 * int(d), 10)) for d in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + sum(doubled)) % 10 == 0


def iban(found: str) -> bool:
    """Whether an account number's check digits are right."""
    compact = found.replace(" ", "")
    return 15 <= len(compact) <= 34 and int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1
