"""What a text's surface says without a model: length, digits, code, question form.

An embedding says what a text is about and little of its form; these say the rest.
"""

import math
import re

import numpy as np
import numpy.typing as npt

_CHARACTERS = 2_000
"""Only this many characters are looked at (the length itself is of the whole text)."""

_CODE_MARKS = ("```", "();", "{", "}", "=>", "==", "def ", "import ", "</", "#include", "self.", "::", "SELECT ")
_ERRORS = ("Error", "Exception", "Traceback")
_ERROR = re.compile(rf"\b\w*(?:{'|'.join(_ERRORS)})\b")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_FORMULA = re.compile(r"\\[a-z]+|\$[^$]{1,80}\$|[a-z0-9)]\s*[\^²³=+*/]\s*[(a-z0-9-]|[√∫∑≤≥]")
_FORMULA_MARK = re.compile(r"[\\$\^²³=+*/√∫∑≤≥]")
"""Without any there is no formula, and this is told sooner."""

_CLAUSE = re.compile(r"[,;:.!?،؛؟。，；：！？]")  # noqa: RUF001 other scripts' marks are meant
_QUESTION = re.compile(r"[?؟？]")  # noqa: RUF001 the same
_SPACE = re.compile(r"\s+")
_URL = re.compile(r"https?://|www\.")
_QUOTED = re.compile(r"[\"“„«「『][^\"”“»」』]{2,}[\"”“»」』]")

COUNT = 16
"""Length of the vector of `text_features`."""


def text_features(text: str) -> npt.NDArray[np.float32]:
    """Features of one text, shape (COUNT,), each roughly between 0 and 3."""
    head = text[:_CHARACTERS]
    size = max(len(head), 1)
    spaces = len(_SPACE.findall(head))
    digits = sum(map(str.isdigit, head))
    letters = sum(map(str.isalpha, head))
    code = sum(map(head.count, _CODE_MARKS))
    clauses = len(_CLAUSE.findall(head))
    values = (
        math.log1p(len(text)) / 3,
        math.log1p(spaces) / 2,
        min(len(text), 30) / 30,
        8 * digits / size,
        math.log1p(len(_NUMBER.findall(head))) / 2 if digits else 0.0,
        math.log1p(code),
        1.0 if any(map(head.__contains__, _ERRORS)) and _ERROR.search(head) else 0.0,
        math.log1p(len(_FORMULA.findall(head))) if _FORMULA_MARK.search(head) else 0.0,
        math.log1p(clauses) / 2,
        100 * clauses / size / 10,
        min(len(_QUESTION.findall(head)), 3),
        math.log1p(head.count("\n")) / 2,
        1.0 if _URL.search(head) else 0.0,
        1.0 if _QUOTED.search(head) else 0.0,
        1.0 - letters / size,
        letters and sum(map(str.isupper, head)) / letters,
    )
    return np.array(values, np.float32)
