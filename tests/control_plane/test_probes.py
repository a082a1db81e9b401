"""Liveness and readiness of the operator say what is true, to the kubelet and to a person."""

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from pointsman_operator.metrics import Metrics
from pointsman_operator.probes import Probes
from pointsman_operator.world import World

from tests.control_plane.streams import backend, world
from tests.support.ports import free_port
from tests.support.waiting import eventually


class Kubelet:
    """Probes in a loop and a thread of their own, asked from outside as the kubelet does."""

    def __init__(self) -> None:
        self.stopped: list[str] = []
        self.world: World | None = None
        self.state: dict[str, object] = {"api_server": "answers"}
        self.port = free_port()
        self.loop = asyncio.new_event_loop()
        self._probes = Probes(Metrics(), lambda: self.stopped, lambda: self.world, lambda: None, lambda: self.state)
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._probes.start(f"127.0.0.1:{self.port}"), self.loop).result(10)

    def ask(self, path: str, seconds: float = 5) -> tuple[int, dict[str, object]]:
        """Status 0 when there is no answer in time."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=seconds) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except OSError:
            return 0, {}

    def end(self) -> None:
        asyncio.run_coroutine_threadsafe(self._probes.stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


@pytest.fixture
def kubelet() -> Iterator[Kubelet]:
    kubelet = Kubelet()
    yield kubelet
    kubelet.end()


def test_a_loop_that_ended_or_hangs_is_named(kubelet: Kubelet) -> None:
    assert kubelet.ask("/livez") == (200, {"live": True, "stopped": []})
    kubelet.stopped = ["report", "lease, which is stuck"]
    assert kubelet.ask("/livez") == (503, {"live": False, "stopped": ["lease, which is stuck", "report"]})


def test_a_blocked_process_is_not_live(kubelet: Kubelet) -> None:
    blocked, release = threading.Event(), threading.Event()

    def block() -> None:
        blocked.set()
        release.wait(30)

    kubelet.loop.call_soon_threadsafe(block)
    assert blocked.wait(10)
    assert kubelet.ask("/livez", seconds=1) == (0, {})  # the kubelet's own timeout is a second
    release.set()
    eventually(lambda: kubelet.ask("/livez")[0] == 200, "life again")


def test_readiness_waits_for_the_first_list_and_says_what_is_lost(kubelet: Kubelet) -> None:
    kubelet.state = {"api_server": "has not answered for 3 s"}
    assert kubelet.ask("/readyz") == (503, {"ready": False, "api_server": "has not answered for 3 s"})
    assert kubelet.ask("/snapshot")[0] == 503
    kubelet.world = world(backend("a", "10.0.0.1"))
    assert kubelet.ask("/readyz") == (200, {"ready": True, "api_server": "has not answered for 3 s"})
    assert kubelet.ask("/livez")[0] == 200
