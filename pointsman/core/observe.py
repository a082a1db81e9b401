"""Signals that cost nothing: match rules of routes and phrases of explicit intent, read from the request itself."""

import re

from pointsman.core.request import Request
from pointsman.core.resources.policy import ToolMatch
from pointsman.core.signals import Signals
from pointsman.core.snapshot import MatchRules, Policy

SCANNED_CHARACTERS = 8_000
"""Keywords and phrases are looked for in this many characters at each end of the last user turn."""

_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Scripts that write words without spaces (or attach particles to them), where a word has no visible edge."""


def observe(request: Request, policy: Policy, language: tuple[str | None, float] = (None, 0.0)) -> Signals:
    """Everything that can be told without a classifier. `language` is (ISO 639-1 code, confidence)."""
    text = _scanned(request.last_user_text)
    return Signals(
        language=language[0],
        language_confidence=language[1],
        phrase_mode=next(
            (mode.name for mode in policy.modes if any(contains(text, phrase) for phrase in mode.phrases)), None
        ),
        matched=frozenset(route.name for route in policy.routes if _admits(route.match, request, language[0], text)),
    )


def contains(text: str, phrase: str) -> bool:
    """Whether lower-case `text` has `phrase` as whole words; scripts without spaces need no word edges."""
    start = text.find(phrase)
    while start >= 0:
        end = start + len(phrase)
        if _edge(text[start - 1 : start], phrase[0]) and _edge(text[end : end + 1], phrase[-1]):
            return True
        start = text.find(phrase, start + 1)
    return False


def _edge(outside: str, inside: str) -> bool:
    if not outside or not outside.isalnum() or not inside.isalnum():
        return True
    return bool(_UNSPACED.match(inside))


def _scanned(text: str) -> str:
    if len(text) > 2 * SCANNED_CHARACTERS:
        text = f"{text[:SCANNED_CHARACTERS]}\n{text[-SCANNED_CHARACTERS:]}"
    return text.lower()


def _admits(rules: MatchRules, request: Request, language: str | None, text: str) -> bool:
    return (
        (not rules.languages or language in rules.languages)
        and request.prompt_tokens >= rules.min_prompt_tokens
        and (rules.tools is ToolMatch.ANY or request.tools is (rules.tools is ToolMatch.PRESENT))
        and all(request.headers.get(name) == value for name, value in rules.headers.items())
        and (not rules.keywords or any(contains(text, keyword) for keyword in rules.keywords))
    )
