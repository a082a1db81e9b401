"""A router whose classifier is at Triton: whatever becomes of Triton, requests are answered, and it is used again."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from pointsman_classifier.embedded import EmbeddedClassifier
from pointsman_classifier.memory import Memory
from pointsman_classifier.triton_build import build
from pointsman_faults.server import FaultServer

from pointsman.cli.classifier import RouteClassifier
from pointsman.cli.triton.client import PROBE, outputs
from pointsman.cli.triton.control import Control, LoadError
from pointsman.cli.triton.gate import Verdict
from pointsman.cli.triton.promotion import promote, roll_back
from router_svc.classify import EMBEDDED, SERVER, Remote
from router_svc.triton.client import Target, Triton
from router_svc.triton.connection import Connection, Inferred, NoAnswer
from router_svc.triton.servers import Servers
from tests.support.build import policy, refs
from tests.support.router import Running, running, served
from tests.support.triton import TritonServer, until

Objects = list[dict[str, Any]]


@pytest.fixture(scope="module")
def embedded() -> RouteClassifier:
    return RouteClassifier(EmbeddedClassifier.load())


@pytest.fixture
def server(own_triton: TritonServer) -> TritonServer:
    own_triton.start()
    return own_triton


def objects(faults: dict[str, FaultServer]) -> Objects:
    routes = [
        {"name": "code", "description": "Write, fix or explain source code.", "backends": refs("coder")},
        {"name": "chit-chat", "description": "Greetings, thanks and small talk.", "backends": refs("talker")},
    ]
    classifier = {"deadline": "3s"}  # a slow machine is no failure of Triton
    rules = policy(routes=routes, default={"backends": refs("talker")}, classifier=classifier)
    return [served(faults["coder"], "coder"), served(faults["talker"], "talker"), rules]


def target(embedded: RouteClassifier, address: str, **more: Any) -> Target:
    expected = embedded.analyse((PROBE,))["embedding"][0]
    facts = {"address": address, "outputs": outputs(), "probe": PROBE, "expected": expected, "interval": 0.5}
    return Target(**{**facts, "retry": 0.1, **more})


class Watched(msgspec.Struct):
    """A router, its Triton client, and what became of a stream of requests."""

    router: Running
    triton: Servers
    statuses: Counter[int]

    @property
    def by_triton(self) -> int:
        return self.router.router.classifying.answered[SERVER]

    async def well(self) -> None:
        """Triton answers, and has answered a request since."""
        await until(lambda: self.triton.well)
        before = self.by_triton
        await until(lambda: self.by_triton > before + 5)

    async def unwell(self) -> None:
        """It is known not to answer, and requests are answered since."""
        await until(lambda: not self.triton.well)
        before = self.statuses[200]
        await until(lambda: self.statuses[200] > before + 10)

    async def classifier(self) -> dict[str, Any]:
        """What /readyz says of it."""
        return dict((await (await self.router.get("/readyz")).json())["dependencies"]["classifier"])


@asynccontextmanager
async def under_load(folder: Path, embedded: RouteClassifier, wanted: Target) -> AsyncIterator[Watched]:
    """A router that is asked all the time; at the end no request has failed."""
    client = Servers(wanted)
    remote = Remote(client, embedded)
    async with running(folder, objects, "coder", "talker", classifier=embedded, remote=remote) as router:
        watched = Watched(router, client, Counter())
        wrong: list[str] = []

        async def ask() -> None:
            for n in range(1_000_000):
                text, backend = [("hello there!", "ai/talker"), ("Write a Python function", "ai/coder")][n % 2]
                response = await router.chat(f"{text} {n}")  # always another text: one that is known is not sent
                watched.statuses[response.status] += 1
                if response.headers.get("x-pointsman-backend") != backend:
                    wrong.append(f"{n}: {response.headers.get('x-pointsman-reason')}")

        load = [asyncio.create_task(ask()) for _ in range(2)]
        try:
            yield watched
        finally:
            for task in load:
                task.cancel()
            await asyncio.gather(*load, return_exceptions=True)
        assert set(watched.statuses) == {200}
        assert wrong == []


async def test_triton_answers_and_says_so(tmp_path: Path, embedded: RouteClassifier, server: TritonServer) -> None:
    async with under_load(tmp_path, embedded, target(embedded, server.address)) as watched:
        await watched.well()
        assert await watched.classifier() == {
            "state": "Ready",
            "detail": f"Triton at {server.address}: release 1",
            "required": False,
        }
        metrics = await (await watched.router.get("/metrics")).text()
        assert 'pointsman_classifier_answers_total{by="triton"}' in metrics


async def test_a_killed_server_costs_nothing_and_is_used_again(
    tmp_path: Path, embedded: RouteClassifier, server: TritonServer
) -> None:
    async with under_load(tmp_path, embedded, target(embedded, server.address)) as watched:
        await watched.well()
        server.kill()
        await watched.unwell()
        await watched.well()
        assert (await watched.classifier())["state"] == "Ready"


@pytest.mark.parametrize("killed", ["all", "one of two"])
async def test_killed_python_models_cost_nothing_and_are_used_again(
    tmp_path: Path, embedded: RouteClassifier, server: TritonServer, killed: str
) -> None:
    async with under_load(tmp_path, embedded, target(embedded, server.address)) as watched:
        await watched.well()
        stubs = server.stubs()
        assert len(stubs) == 4  # two of the tokenizer, the encoder's and the heads'
        tokenizers = [pid for pid in stubs if b"/tokenizer/" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(tokenizers) == 2
        for pid in stubs if killed == "all" else tokenizers[:1]:
            os.kill(pid, signal.SIGKILL)
        await until(lambda: not set(stubs) & set(server.stubs()))  # its supervisor has seen it
        await watched.well()


async def test_a_server_that_hangs_costs_nothing_and_is_used_again(
    tmp_path: Path, embedded: RouteClassifier, server: TritonServer
) -> None:
    async with under_load(tmp_path, embedded, target(embedded, server.address)) as watched:
        await watched.well()
        with server.paused():
            await watched.unwell()
            assert "DEADLINE_EXCEEDED" in watched.triton.detail
        await watched.well()


async def test_an_overloaded_server_costs_nothing_and_is_used_again(
    tmp_path: Path, embedded: RouteClassifier, server: TritonServer
) -> None:
    async with under_load(tmp_path, embedded, target(embedded, server.address)) as watched:
        await watched.well()
        crowd = Connection(server.address, outputs())
        refused: Counter[str] = Counter()

        async def press() -> None:
            try:
                await crowd.infer(["word " * 400] * 32, 10.0, {})
            except NoAnswer as error:
                refused[str(error)] += 1

        before, own = watched.statuses[200], watched.router.router.classifying.answered[EMBEDDED]
        await asyncio.gather(*(press() for _ in range(300)))
        await crowd.close()
        assert refused["UNAVAILABLE"]  # its queue was full, or they waited there for too long
        await until(lambda: watched.statuses[200] > before + 10)
        assert watched.router.router.classifying.answered[EMBEDDED] > own
        await watched.well()


async def test_new_releases_bad_and_good_cost_nothing(
    tmp_path: Path, embedded: RouteClassifier, server: TritonServer
) -> None:
    def release(*, damaged: bool) -> int:
        number = build(server.repository, kind="KIND_CPU")
        if damaged:
            (server.repository / "encoder" / str(number) / "model.onnx").write_bytes(b"damaged")
        with Control([server.address]) as control:
            promote(server.repository, control, number, lambda: Verdict(1, 1, 1.0, 1.0, 1.0, passed=True))
        return number

    def back() -> int | None:
        with Control([server.address]) as control:
            return roll_back(server.repository, control)

    async with under_load(tmp_path, embedded, target(embedded, server.address)) as watched:
        await watched.well()
        with pytest.raises(LoadError, match="encoder"):
            await asyncio.to_thread(release, damaged=True)
        await watched.well()
        assert watched.triton.detail.endswith("release 1")
        number = await asyncio.to_thread(release, damaged=False)
        await until(lambda: watched.triton.detail.endswith(f"release {number}"))
        await watched.well()
        assert await asyncio.to_thread(back) == 1
        await until(lambda: watched.triton.detail.endswith("release 1"))
        await watched.well()


async def test_more_requests_than_are_allowed_in_flight_stay_here(
    tmp_path: Path, embedded: RouteClassifier, server: TritonServer
) -> None:
    async with under_load(tmp_path, embedded, target(embedded, server.address, max_in_flight=1)) as watched:
        await watched.well()
        await until(lambda: watched.router.router.classifying.answered["embedded"] > 3)


@pytest.mark.parametrize("name", ["category", "missing"])
async def test_outputs_of_other_shapes_are_not_used(
    tmp_path: Path, embedded: RouteClassifier, server: TritonServer, name: str
) -> None:
    wrong = target(embedded, server.address, outputs={**outputs(), name: 17})
    async with under_load(tmp_path, embedded, wrong) as watched:
        await watched.unwell()
        await until(lambda: name in watched.triton.detail)
        assert watched.by_triton == 0


async def test_another_encoder_is_not_used(tmp_path: Path, embedded: RouteClassifier, server: TritonServer) -> None:
    other = target(embedded, server.address, expected=np.eye(512, dtype=np.float32)[0])
    async with under_load(tmp_path, embedded, other) as watched:
        await watched.unwell()
        await until(lambda: "embeds otherwise" in watched.triton.detail)
        assert watched.by_triton == 0


async def test_readiness_tells_of_a_lost_server(tmp_path: Path, embedded: RouteClassifier) -> None:
    async with under_load(tmp_path, embedded, target(embedded, "127.0.0.1:1")) as watched:
        await watched.unwell()
        told = await watched.classifier()
        assert (told["state"], told["required"]) == ("Degraded", False)
        assert told["detail"] == "the embedded classifier answers; Triton at 127.0.0.1:1: UNAVAILABLE"


async def test_a_server_that_never_was_is_missed_by_nobody(tmp_path: Path, embedded: RouteClassifier) -> None:
    async with under_load(tmp_path, embedded, target(embedded, "127.0.0.1:1")) as watched:
        await watched.unwell()
        assert watched.triton.detail.endswith("UNAVAILABLE")


async def test_the_trace_goes_with_the_question(embedded: RouteClassifier, server: TritonServer) -> None:
    asked = []

    def headers() -> dict[str, str]:
        asked.append(1)
        return {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}

    client = Triton(target(embedded, server.address), headers)
    client.start()
    try:
        await until(lambda: client.well)
        assert await client.analyse(("hello",), 5.0) is not None
        assert asked
    finally:
        await client.aclose()


async def test_texts_that_are_known_are_not_sent_again(
    embedded: RouteClassifier, server: TritonServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    infer = Connection.infer

    async def noted(self: Connection, texts: Sequence[str], seconds: float, headers: Mapping[str, str]) -> Inferred:
        sent.extend(texts)
        return await infer(self, texts, seconds, headers)

    monkeypatch.setattr(Connection, "infer", noted)
    client = Triton(target(embedded, server.address, interval=3600.0), memory=Memory())
    client.start()
    try:
        await until(lambda: client.well)
        first = await client.analyse(("hello", "…", "Write a poem", "…"), 5.0)
        again = await client.analyse(("Write a poem", "new", "hello"), 5.0)
        assert await client.analyse(("new",), 5.0) is not None
        assert await client.analyse(("newer",), 5.0) is not None
        assert sent == ["hello", "…", "Write a poem", "new", "newer"]
        assert first is not None and again is not None
        for name, width in outputs().items():
            assert again[name].shape == (3, width)
            assert np.array_equal(first[name][[2, 0]], again[name][[0, 2]])
    finally:
        await client.aclose()
