"""Triton on this machine gives the embedded classifier's answers, and outlives requests that are wrong."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pointsman_classifier.embedded import EmbeddedClassifier
from pointsman_classifier.heads import OUTPUTS
from pointsman_classifier.routes import RouteText
from pointsman_classifier.triton_steps import BUCKETS, JUDGEMENT
from train.sources import seed_prompts
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from pointsman.cli.classifier import RouteClassifier
from pointsman.cli.triton.client import TritonClassifier
from pointsman.core.request import Turn
from tests.classifier.labelled import COMPANY, POLICY, WITH_EXAMPLES
from tests.support.triton import TritonServer

PROMPTS = [seed.text for seed in seed_prompts()][::2]
POLICIES = {"plain": POLICY, "examples": WITH_EXAMPLES, "company": COMPANY}


@pytest.fixture(scope="module")
def embedded() -> RouteClassifier:
    model = EmbeddedClassifier.load()
    for key, routes in POLICIES.items():
        model.prepare(key, routes)
    return RouteClassifier(model)


@pytest.fixture(scope="module")
def served(embedded: RouteClassifier, triton: TritonServer) -> TritonClassifier:
    return TritonClassifier(embedded, triton.address)


@pytest.fixture
def client(triton: TritonServer) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(triton.address) as client:
        yield client


def top(routes: dict[str, float]) -> str:
    none = 1 - sum(routes.values())
    best = max(routes, key=routes.__getitem__)
    return best if routes[best] > none else "none"


def names(routes: tuple[RouteText, ...]) -> frozenset[str]:
    return frozenset(route.name for route in routes)


def test_the_top_route_is_the_same(embedded: RouteClassifier, served: TritonClassifier) -> None:
    assert len(PROMPTS) >= 400
    same = total = 0
    for text in PROMPTS:
        analyses = served.analyse((text,))  # once for all policies
        for key, routes in POLICIES.items():
            there = served.score(key, (text,), analyses, names(routes))
            here = embedded.classify(key, (Turn("user", text),), names(routes))
            same += top(dict(there.routes)) == top(dict(here.routes))
            total += 1
            assert there.difficulty is not None and here.difficulty is not None
            assert there.difficulty.value == pytest.approx(here.difficulty.value, abs=0.02)
            assert there.category == pytest.approx(here.category, abs=0.05)
    assert same / total >= 0.995, f"{same} of {total}"


def test_analyses_are_those_of_the_embedded_classifier(embedded: RouteClassifier, served: TritonClassifier) -> None:
    """The vectors, too: a batch's texts run one by one, without their padding."""
    texts = ("a", "What is 12 * 7?", "Write a poem about the sea. " * 4, "head " * 5_000 + "tail")
    there, here = served.analyse(texts), embedded.analyse(texts)
    for name, values in here.items():
        assert np.allclose(there[name], values, atol=1e-4), name


def test_conversations_go_as_one_batch(embedded: RouteClassifier, served: TritonClassifier) -> None:
    turns = (
        Turn("user", "Write a Python function that reverses a linked list"),
        Turn("assistant", "def reverse(head): ..."),
        Turn("user", "and now without recursion"),
    )
    texts = served.texts("plain", turns, names(POLICY))
    assert len(texts) == 4
    assert served.analyse(texts)["embedding"].shape == (4, 512)
    there, here = (each.classify("plain", turns, names(POLICY)) for each in (served, embedded))
    assert dict(there.routes) == pytest.approx(dict(here.routes), abs=0.02)
    assert there.gain == pytest.approx(here.gain, abs=0.02)


@pytest.mark.parametrize(
    "text",
    ["a", "🎉🎉", "\x00\x07\x1b[0m", "\ud800", "x" * 1_000_000, "你好吗" * 300_000, "head " * 5_000 + "tail", " \n. "],
    ids=lambda text: f"{len(text)}",
)
def test_strange_and_long_prompts(embedded: RouteClassifier, served: TritonClassifier, text: str) -> None:
    there, here = (each.classify("plain", (Turn("user", text),), names(POLICY)) for each in (served, embedded))
    assert dict(there.routes) == pytest.approx(dict(here.routes), abs=0.02)


def ask(
    client: InferenceServerClient, array: np.ndarray, name: str = "TEXT", kind: str = "BYTES", outputs: Any = None
) -> Any:
    tensor = InferInput(name, list(array.shape), kind)
    tensor.set_data_from_numpy(array)
    return client.infer("classifier", [tensor], outputs=outputs)


def test_every_output_has_its_shape(client: InferenceServerClient) -> None:
    result = ask(client, np.array([[b"hello"], [b"Schreib ein Gedicht"]], np.object_))
    shapes = {name: result.as_numpy(name).shape for name in OUTPUTS}
    assert shapes == {name: (2, width) for name, width in OUTPUTS.items()}
    assert np.array_equal(np.hstack([result.as_numpy(name) for name in OUTPUTS]), result.as_numpy(JUDGEMENT))


def test_names_cost_only_who_asks_for_one(client: InferenceServerClient, served: TritonClassifier) -> None:
    """A router asks for none, and the step that makes them is left out. (The server's supervisor asks now and then.)"""

    def without_names() -> int:
        found = {each.name: each.inference_stats for each in client.get_inference_statistics().model_stats}
        return int(found["encoder"].success.count) - int(found["heads"].success.count)

    before = without_names()
    for n in range(50):
        served.analyse((f"hello {n}",))
    between = without_names()
    for _ in range(50):
        ask(client, np.array([[b"hello"]], np.object_), outputs=[InferRequestedOutput("category")])
    assert between - before == pytest.approx(50, abs=5)
    assert without_names() - between == pytest.approx(0, abs=5)


@pytest.mark.parametrize("name", ["embedding", "category", "judgement"])
def test_one_output_can_be_asked_for(client: InferenceServerClient, name: str) -> None:
    result = ask(client, np.array([[b"hello"]], np.object_), outputs=[InferRequestedOutput(name)])
    assert [output.name for output in result.get_response().outputs] == [name]


@pytest.mark.parametrize(
    ("array", "name", "kind"),
    [
        (np.array([b"x"], np.object_), "TEXT", "BYTES"),
        (np.array([[b"x", b"y"]], np.object_), "TEXT", "BYTES"),
        (np.array([[b"x"]] * 33, np.object_), "TEXT", "BYTES"),
        (np.array([[1]], np.int64), "TEXT", "INT64"),
        (np.array([[b"x"]], np.object_), "WORDS", "BYTES"),
    ],
    ids=["rank", "width", "batch", "type", "name"],
)
def test_a_wrong_request_fails_alone(client: InferenceServerClient, array: np.ndarray, name: str, kind: str) -> None:
    with pytest.raises(InferenceServerException):
        ask(client, array, name, kind)
    ask(client, np.array([[b"hello"]], np.object_))


def test_what_is_no_utf8_is_answered(client: InferenceServerClient) -> None:
    ask(client, np.array([[b"\xff\xfe hello"]], np.object_))


def test_pieces_come_in_buckets(client: InferenceServerClient) -> None:
    for text in (b"hi", b"word " * 40, b"word " * 5_000):
        tensor = InferInput("TEXT", [1, 1], "BYTES")
        tensor.set_data_from_numpy(np.array([[text]], np.object_))
        ids = client.infer("tokenizer", [tensor]).as_numpy("input_ids")
        assert ids.shape[1] in BUCKETS
