"""The policies that the scorer of routes is fitted on."""

import numpy as np
from pointsman_classifier.routes import RouteText
from train.intents import Intent, Library, Spoken
from train.policies import Strangers, make_policy, policies

LANGUAGES = ("en", "de", "fr")


def library(intents: int, sentences: int) -> Library:
    """Each sentence of an intent in three languages."""
    return {
        name: Intent(
            [RouteText(name)],
            [
                Spoken(f"{name} {i} {language}", language=language, sentence=f"{name} {i}")
                for i in range(sentences)
                for language in LANGUAGES
            ],
        )
        for name in (f"intent{n:03}" for n in range(intents))
    }


def test_no_case_is_an_example_or_a_translation_of_one() -> None:
    known = library(6, 12)
    chosen = sorted(known)[:4]
    far = [Spoken("write a poem")]
    for language in ("", "en"):
        policy = make_policy(
            "x",
            known,
            chosen,
            5,
            300,
            np.random.default_rng(1),
            Strangers(0.2, 0.2, far),
            exact=True,
            language=language,
        )
        shown = {text.rpartition(" ")[0] for route in policy.routes for text in route.examples}
        assert [len(route.examples) for route in policy.routes] == [5] * 4
        assert not shown & {case.spoken.sentence for case in policy.cases}
        if language:
            assert all(text.endswith(language) for route in policy.routes for text in route.examples)
        strange = [case.spoken for case in policy.cases if case.route is None]
        assert 90 < len(strange) < 150
        assert 40 < strange.count(far[0]) < 80
        assert all(s.text == far[0].text or s.text.split()[0] not in chosen for s in strange)


def test_large_policies_have_fifty_routes_and_examples() -> None:
    drawn = list(policies("x", library(80, 6), 6, 10, np.random.default_rng(2), Strangers(0.1), large=True))
    assert all(50 <= len(policy.routes) <= 78 for policy in drawn)
    assert all(any(route.examples for route in policy.routes) for policy in drawn)
