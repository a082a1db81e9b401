"""The embedded classifier puts prompts where a person would, and always answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pointsman_classifier.embedded import EmbeddedClassifier, UnknownPolicyError
from pointsman_classifier.encoder import Encoder
from pointsman_classifier.heads import CATEGORIES, Heads
from pointsman_classifier.routes import RouteText
from pointsman_classifier.scoring import Scorer

from pointsman.core.request import Turn
from pointsman.core.signals import Classification, Score
from tests.classifier.labelled import COMPANY, COMPANY_LABELLED, LABELLED, POLICY, WITH_EXAMPLES

ALL = frozenset(route.name for route in POLICY)


@pytest.fixture(autouse=True, scope="module")
def prepared(classifier: EmbeddedClassifier) -> Iterator[None]:
    classifier.prepare("plain", POLICY)
    classifier.prepare("examples", WITH_EXAMPLES)
    yield
    classifier.retain(frozenset())


def ask(classifier: EmbeddedClassifier, text: str, key: str = "plain") -> Classification:
    return classifier.classify(key, (Turn("user", text),), None, ALL)


def best(answer: Classification) -> str:
    none = 1 - sum(answer.routes.values())
    name = max(answer.routes, key=answer.routes.__getitem__)
    return name if answer.routes[name] > none else "none"


def value(score: Score | None) -> float:
    assert score is not None
    return score.value


@pytest.mark.parametrize("key", ["plain", "examples"])
def test_prompts_land_where_a_person_would_put_them(classifier: EmbeddedClassifier, key: str) -> None:
    wrong = [(route, text) for route, text in LABELLED if best(ask(classifier, text, key)) != route]
    assert len(LABELLED) >= 40
    assert len(wrong) <= len(LABELLED) * 0.1, wrong


def test_routes_of_a_company_are_told_by_description_alone(classifier: EmbeddedClassifier) -> None:
    classifier.prepare("company", COMPANY)
    names = frozenset(route.name for route in COMPANY)
    wrong = []
    for route, text in COMPANY_LABELLED:
        routes = classifier.classify("company", (Turn("user", text),), None, names).routes
        top = max(routes, key=routes.__getitem__)
        if (top if routes[top] >= 0.3 else None) != route:  # 30 percent is a policy's default confidence
            wrong.append((route, text))
    assert len(wrong) <= len(COMPANY_LABELLED) * 0.2, wrong


@pytest.mark.parametrize("key", ["plain", "examples"])
def test_a_greeting_and_a_translation_are_certain(classifier: EmbeddedClassifier, key: str) -> None:
    assert ask(classifier, "hello!", key).routes["chit-chat"] > 0.7
    assert ask(classifier, "Übersetze das ins Englische", key).routes["translation"] > 0.7


def test_requests_of_no_route_are_seen(classifier: EmbeddedClassifier) -> None:
    for text in ("Can my landlord raise the rent?", "I have a rash on my arm, what helps?", "Book me a table for six"):
        assert best(ask(classifier, text)) == "none", text


def test_only_eligible_routes_are_scored(classifier: EmbeddedClassifier) -> None:
    answer = classifier.classify("plain", (Turn("user", "hello!"),), None, frozenset({"code", "writing", "absent"}))
    assert set(answer.routes) == {"code", "writing"}
    assert sum(answer.routes.values()) < 0.5


def test_the_previous_turns_count_a_little(classifier: EmbeddedClassifier) -> None:
    turns = (
        Turn("user", "Write a Python function that reverses a linked list"),
        Turn("assistant", "def reverse(head): ..."),
        Turn("user", "and now without recursion"),
    )
    alone = classifier.classify("plain", turns[-1:], None, ALL).routes["code"]
    together = classifier.classify("plain", turns, "code", ALL).routes
    assert together["code"] > alone
    assert max(together, key=together.__getitem__) == "code"
    changed = classifier.classify("plain", (*turns[:2], Turn("user", "thanks, good night!")), "code", ALL).routes
    assert max(changed, key=changed.__getitem__) == "chit-chat"


def test_heads_are_sane(classifier: EmbeddedClassifier) -> None:
    hard = ask(classifier, "Prove that every continuous function on a compact set is uniformly continuous")
    easy = ask(classifier, "hi there")
    assert set(easy.category) == set(CATEGORIES)
    assert sum(easy.category.values()) == pytest.approx(1, abs=1e-4)
    assert value(hard.difficulty) > 0.5 > 0.2 > value(easy.difficulty)
    assert value(hard.reasoning) > 0.5 > value(easy.reasoning)
    weather = ask(classifier, "Wird es morgen in Graz regnen?")
    assert value(weather.tool_need) > 0.5 > value(hard.tool_need)
    shopping = ask(classifier, "Which camera gives me the best value for 500 euros?")
    assert value(shopping.commercial) > 0.5 > value(hard.commercial)


@settings(max_examples=60, deadline=None)
@given(
    turns=st.lists(
        st.builds(
            Turn,
            st.sampled_from(["user", "assistant", "system", "tool", ""]),
            st.text(st.characters(exclude_categories=()), max_size=300),  # lone surrogates included
        ),
        max_size=5,
    ),
    previous=st.sampled_from([None, "code", "absent"]),
)
def test_any_conversation_has_an_answer(
    classifier: EmbeddedClassifier, turns: list[Turn], previous: str | None
) -> None:
    answer = classifier.classify("plain", tuple(turns), previous, ALL)
    assert set(answer.routes) == ALL
    assert all(0 <= p <= 1 for p in answer.routes.values())
    assert sum(answer.routes.values()) <= 1.0001


@pytest.mark.parametrize(
    "text", ["", " \n", "a", "🎉🎉", "\x00\x07\x1b[0m", "\ud800", "x" * 1_000_000, "你" * 1_000_000, " " * 1_000_000]
)
def test_strange_prompts_have_an_answer(classifier: EmbeddedClassifier, text: str) -> None:
    assert set(ask(classifier, text, "examples").routes) == ALL


def test_an_empty_conversation_fits_no_route(classifier: EmbeddedClassifier) -> None:
    answer = classifier.classify("plain", (), None, ALL)
    assert answer.routes == dict.fromkeys(answer.routes, 0.0)
    assert answer.difficulty is None


def test_a_policy_without_routes_still_tells_the_category(classifier: EmbeddedClassifier) -> None:
    classifier.prepare("none", ())
    answer = ask(classifier, "hello!", "none")
    assert answer.routes == {}
    assert answer.category["chit-chat"] > 0.5


def test_odd_routes_can_be_prepared(classifier: EmbeddedClassifier) -> None:
    classifier.prepare("odd", (RouteText("a"), RouteText("b", examples=("\ud800", ""))))
    answer = classifier.classify("odd", (Turn("user", "hi"),), "a", frozenset({"a", "b"}))
    assert set(answer.routes) == {"a", "b"}


class CountingEncoder:
    """The real encoder, and how many texts it embedded."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.digest = encoder.digest
        self.count = 0

    def embed(self, text: str) -> object:
        self.count += 1
        return self._encoder.embed(text)


def test_a_reload_embeds_only_what_changed(encoder: Encoder) -> None:
    counting = CountingEncoder(encoder)
    own = EmbeddedClassifier(counting, Heads.load(), Scorer.load())  # type: ignore[arg-type]
    own.prepare("v1", WITH_EXAMPLES)
    assert counting.count == 5 * len(POLICY)  # full text, title, description and two examples of each
    own.prepare("v1", WITH_EXAMPLES)
    assert counting.count == 5 * len(POLICY)
    changed = RouteText("code", "programming", "write, fix or explain code", "Anything about source code.")
    own.prepare("v2", (changed, *WITH_EXAMPLES[1:]))
    assert counting.count == 5 * len(POLICY) + 2  # its full text and its description
    own.retain(frozenset({"v2"}))
    assert own.classify("v2", (Turn("user", "hello!"),), None, ALL).routes
    with pytest.raises(UnknownPolicyError):
        own.classify("v1", (Turn("user", "hello!"),), None, ALL)


def test_nothing_of_a_prompt_is_written(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POINTSMAN_CACHE", str(tmp_path))
    canary = "heliotropecanary"
    own = EmbeddedClassifier.load()
    own.prepare("p", POLICY)
    assert own.classify("p", (Turn("user", f"{canary} \ud800"),), None, ALL).category
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(canary.encode() in path.read_bytes() for path in files)
    out, err = capfd.readouterr()
    assert canary not in out + err
    assert canary not in repr(own._encoder._tokenizer._whole_words)  # words of the vocabulary only
