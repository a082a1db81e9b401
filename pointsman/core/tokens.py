"""Estimated token counts: how large a prompt is before a model has seen it, and an answer whose usage nobody reported.

A tokenizer per model would be exact and slow, and the router does not have the models' vocabularies. Scripts differ
far more than vocabularies do, so a character weighs what its script usually costs. In UTF-8 the first byte of a
character tells its script well enough, which makes counting linear and fast: about a millisecond for a megabyte.
"""

import math

_CONTINUATION, _LATIN, _ALPHABET, _INDIC, _IDEOGRAPH, _RARE = b"\0", b"\1", b"\2", b"\3", b"\4", b"\5"

_TOKENS_PER_CHARACTER = {
    _LATIN: 1 / 4,
    _ALPHABET: 1 / 2.5,  # Greek, Cyrillic, Hebrew, Arabic
    _INDIC: 1 / 2,  # Devanagari, Thai and others; typographic punctuation
    _IDEOGRAPH: 1 / 1.5,  # Chinese, Japanese, Korean
    _RARE: 2.0,  # emoji and rare ideographs are usually spelled in bytes
}


def _class_of(lead: int) -> bytes:
    """What the first byte of a character in UTF-8 says of its script."""
    for end, name in (
        (0x80, _LATIN),
        (0xC0, _CONTINUATION),
        (0xCD, _LATIN),  # with accents
        (0xE0, _ALPHABET),
        (0xE3, _INDIC),
        (0xEE, _IDEOGRAPH),
        (0xF0, _INDIC),
    ):
        if lead < end:
            return name
    return _RARE


_CLASSES = b"".join(_class_of(lead) for lead in range(256))


def token_weight(text: str) -> float:
    """Estimated tokens of a piece of text, unrounded, so that the pieces of a stream add up."""
    if text.isascii():
        return len(text) / 4
    classes = text.encode("utf-8", "surrogatepass").translate(_CLASSES)
    return sum(classes.count(name) * tokens for name, tokens in _TOKENS_PER_CHARACTER.items())


def estimate_tokens(text: str) -> int:
    """Estimated tokens of a text: at least 1, unless it is empty."""
    return math.ceil(token_weight(text))
