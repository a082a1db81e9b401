"""What a new snapshot costs the classifier: only the routes whose words changed are prepared; and what a server may."""

import asyncio
from collections.abc import Iterable, Sequence

from pointsman.core.request import Request, Subject, Turn
from pointsman.core.signals import Classification, ClassifierOutcome, Signals
from pointsman.core.snapshot import Route, Snapshot
from router_svc.classify import Classifying, Remote
from tests.support.build import backend, policy, refs, route, snapshot
from tests.support.router import FixedClassifier


class Counting(FixedClassifier):
    """Remembers how often it was asked to prepare."""

    def __init__(self) -> None:
        super().__init__(lambda _: Classification(routes={"code": 0.9}))
        self.times: list[list[str]] = []

    def prepare(self, key: str, routes: Iterable[Route]) -> None:
        super().prepare(key, routes)
        self.times.append(self.prepared[key])


def objects(words: str, limit: int = 3) -> Snapshot:
    def ruling(name: str, says: str) -> dict[str, object]:
        routes = [route(f"{name}-route", "a", description=says)]
        more = {"routes": routes, "default": {"backends": refs("a")}, "fallback": {"maxAttempts": limit}}
        return policy(name, virtualModels=[name], **more)

    return snapshot(backend("a"), ruling("first", "the same"), ruling("second", words))


async def outcome(classifying: Classifying, of: Snapshot) -> ClassifierOutcome:
    request = Request(
        id="1", model="first", turns=(Turn(role="user", text="hi"),), prompt_tokens=1, subject=Subject(tenant="t")
    )
    said = await classifying.classify(of, of.policies["ai/first"], request, Signals(matched=frozenset({"first-route"})))
    return said.classifier


async def test_only_changed_words_are_prepared_again() -> None:
    model = Counting()
    classifying = Classifying(model)
    versions = [objects("one"), objects("two"), objects("two", limit=5)]
    prepared = []
    for each in versions:
        await classifying.prepare(each)
        prepared.append(list(model.times))
        model.times.clear()
    assert prepared == [[["first-route"], ["second-route"]], [["second-route"]], []]
    await classifying.aclose()


async def test_requests_under_way_keep_theirs_and_older_ones_do_not_fail() -> None:
    classifying = Classifying(Counting())
    versions = [objects("one"), objects("two"), objects("three")]
    for each in versions:
        await classifying.prepare(each)
    answered = [await outcome(classifying, each) for each in versions]
    assert answered == [ClassifierOutcome.FAILED, ClassifierOutcome.ANSWERED, ClassifierOutcome.ANSWERED]
    await classifying.aclose()


class Silent:
    """A server that is well and never answers."""

    well, detail = True, "silent"

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def start(self) -> None:
        pass

    async def analyse(self, texts: Sequence[str], seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(seconds)

    async def aclose(self) -> None:
        pass


class Texts:
    """The part of a model that needs none."""

    def texts(self, key: str, turns: tuple[Turn, ...], eligible: frozenset[str]) -> tuple[str, ...]:
        return tuple(turn.text for turn in turns)

    def score(self, *_: object) -> Classification:
        raise AssertionError("nothing was analysed")


async def test_a_silent_server_leaves_the_model_here_its_share_of_the_deadline() -> None:
    version, server = objects("one"), Silent()
    classifying = Classifying(Counting(), remote=Remote(server, Texts()))
    await classifying.prepare(version)
    assert await outcome(classifying, version) is ClassifierOutcome.ANSWERED
    (seconds,) = server.seconds
    assert seconds == 0.6 * version.policies["ai/first"].classifier.deadline
    assert classifying.answered == {"triton": 0, "embedded": 1}
    await classifying.aclose()
