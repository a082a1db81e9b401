import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.observe import SCANNED_CHARACTERS, contains, observe
from pointsman.core.request import Turn
from tests.support.build import backend, policy, refs, request, snapshot

MODES = [
    {"name": "fast", "phrases": ["quickly", "kurz"]},
    {"name": "thinking", "phrases": ["think hard", "denk gründlich nach", "よく考えて", "仔细想想", "réfléchis bien"]},
]


def the_policy(*matches: dict[str, object], **spec: object):
    routes = [{"name": f"r{n}", "match": match, "backends": refs("b")} for n, match in enumerate(matches)]
    return snapshot(backend("b"), policy(routes=routes, default={"backends": refs("b")}, **spec)).policies[
        "ai/assistant"
    ]


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("Please THINK HARD about this", "thinking"),
        ("Denk gründlich nach: was ist 17 mal 23?", "thinking"),
        ("この問題をよく考えてください", "thinking"),
        ("请仔细想想这个问题", "thinking"),
        ("Réfléchis bien avant de répondre", "thinking"),
        ("Answer quickly!", "fast"),
        ("Kurzarbeit ist ein Wort", None),
        ("rethink hardware", None),
        ("hello", None),
    ],
)
def test_phrases_of_explicit_intent(text: str, mode: str | None) -> None:
    assert observe(request(text), the_policy(modes=MODES)).phrase_mode == mode


def test_only_the_last_user_turn_speaks() -> None:
    turns = (Turn("user", "think hard"), Turn("assistant", "quickly"), Turn("user", "thanks"))
    assert observe(request(turns=turns), the_policy(modes=MODES)).phrase_mode is None


@pytest.mark.parametrize(
    ("match", "facts", "admitted"),
    [
        ({"languages": ["de"]}, {}, True),
        ({"languages": ["fr", "es"]}, {}, False),
        ({"keywords": ["SQL"]}, {"text": "an sql query"}, True),
        ({"keywords": ["SQL"]}, {"text": "mysqld"}, False),
        ({"keywords": ["c++"]}, {"text": "is c++ fast?"}, True),
        ({"headers": [{"name": "X-Team", "value": "legal"}]}, {"headers": {"x-team": "legal"}}, True),
        ({"headers": [{"name": "X-Team", "value": "legal"}]}, {"headers": {"x-team": "Legal"}}, False),
        ({"tools": "Present"}, {"tools": True}, True),
        ({"tools": "Present"}, {}, False),
        ({"tools": "Absent"}, {"tools": True}, False),
        ({"minPromptTokens": 100}, {"prompt_tokens": 100}, True),
        ({"minPromptTokens": 101}, {"prompt_tokens": 100}, False),
    ],
)
def test_match_rules(match: dict[str, object], facts: dict[str, object], admitted: bool) -> None:
    seen = observe(request(**facts), the_policy(match), ("de", 0.9))
    assert ("r0" in seen.matched) is admitted


def test_a_long_prompt_is_looked_at_from_both_ends() -> None:
    policy = the_policy({"keywords": ["needle"]})
    hay = "hay " * SCANNED_CHARACTERS
    assert [
        "r0" in observe(request(text), policy).matched
        for text in (f"needle {hay}", f"{hay} needle", f"{hay}needle {hay}")
    ] == [True, True, False]


@given(st.text(max_size=60), st.text(min_size=1, max_size=8))
def test_contains_finds_only_what_is_there(text: str, phrase: str) -> None:
    if contains(text, phrase):
        assert phrase in text
    assert contains(f"{text} {phrase} {text}", phrase)
