"""Routers ask Triton; while it is gone they classify themselves, and no request fails or goes another way."""

import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.fixtures import Cluster
from tests.e2e import memory, triton
from tests.e2e.clients import ASK, CLASSIFIED
from tests.e2e.installation import NAMESPACE, RELEASE, Installation
from tests.e2e.test_e2e_routes import CODE, MATHEMATICS, TRANSLATION, URL
from tests.support.waiting import eventually

CASES = [[CODE, "code"], [MATHEMATICS, "mathematics"], [TRANSLATION, "translation"]]
RATE = 10.0
STOP = "/tmp/stop"  # in the client's pod
DEPLOYMENT = f"deployment/{RELEASE}-triton"
PROBE = ("python3", "-m", "pointsman_classifier.triton_supervisor", "127.0.0.1:8000")


@pytest.fixture(scope="module")
def asking(steady: Installation, cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """An installation whose routers ask Triton."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        triton.load(cluster)
    steady.apply_file(Path(__file__).parent / "classified.yaml")
    triton.start(steady)
    steady.access.kubectl("wait", "-n", "demo", "--for=condition=Ready", "--timeout=90s", "routingpolicy/classified")
    yield steady
    triton.stop(steady)


def metric(address: str, wanted: str) -> float:
    """The sum of a metric's samples that begin so; 0 where nobody listens (yet)."""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return 0.0
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(wanted))


def inferences(installation: Installation) -> float:
    """How many texts Triton has classified, all its pods together."""
    addresses = [pod["status"].get("podIP", "") for pod in installation.pods("triton")]
    return sum(metric(f"{each}:8002", 'nv_inference_request_success{model="classifier"') for each in addresses)


def answers(installation: Installation, by: str) -> float:
    """How many classifications routers have had from Triton, or from themselves."""
    addresses = [pod["status"].get("podIP", "") for pod in installation.pods("router")]
    return sum(metric(f"{each}:8080", f'pointsman_classifier_answers_total{{by="{by}"') for each in addresses)


@contextmanager
def asked_on_and_on(installation: Installation) -> Iterator[dict[str, Any]]:
    """Requests, as long as the block lasts; afterwards, what became of them."""
    told: dict[str, Any] = {}
    pod = ("exec", "-n", "demo", "deployment/client", "--")
    installation.access.kubectl(*pod, "rm", "-f", STOP)
    arguments = (URL, installation.keys["paid"], str(RATE), json.dumps(CASES), STOP)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(installation.client, CLASSIFIED, *arguments, seconds=900)
        try:
            yield told
        finally:
            installation.access.kubectl(*pod, "touch", STOP)
        told.update(running.result())


def test_routers_ask_triton(asking: Installation) -> None:
    before = inferences(asking), answers(asking, "triton")
    texts = json.dumps([{"text": text} for text, _ in CASES])
    told = asking.client(ASK, URL, asking.keys["paid"], texts)
    assert [each["route"] for each in told] == [route for _, route in CASES]
    assert answers(asking, "triton") >= before[1] + len(CASES)
    assert inferences(asking) > before[0]


def test_tritons_pod_is_deleted_under_load(asking: Installation) -> None:
    before = answers(asking, "embedded")
    memory.tell(asking, "with Triton, before load")
    with asked_on_and_on(asking) as told, memory.told_at_most(asking, f"at {RATE:.0f} classified requests/s"):
        selector = "app.kubernetes.io/component=triton"
        asking.access.kubectl("delete", "pods", "-n", NAMESPACE, "-l", selector, "--grace-period=1", seconds=180)
        asking.rolled_out(f"{RELEASE}-triton", seconds=400)
        triton.asked(asking)
        again = answers(asking, "triton")
        eventually(lambda: answers(asking, "triton") > again + 3, "answers by the new Triton")
    assert told["failures"] == [], told
    assert told["ok"] > 0
    assert answers(asking, "embedded") > before  # they stepped in


def test_triton_is_scaled_to_nothing_and_back_under_load(asking: Installation) -> None:
    with asked_on_and_on(asking) as told:
        asking.access.kubectl("scale", "-n", NAMESPACE, DEPLOYMENT, "--replicas=0")
        eventually(lambda: not asking.pods("triton"), "Triton's end")
        alone = answers(asking, "embedded")
        eventually(lambda: answers(asking, "embedded") > alone + 10, "answers by the routers alone")
        asking.access.kubectl("scale", "-n", NAMESPACE, DEPLOYMENT, "--replicas=1")
        asking.rolled_out(f"{RELEASE}-triton", seconds=400)
        triton.asked(asking)
        again = answers(asking, "triton")
        eventually(lambda: answers(asking, "triton") > again + 10, "answers by Triton")
    assert told["failures"] == [], told
    assert told["ok"] > 0


def test_the_liveness_probe_of_gpus_tells_a_server_that_infers(asking: Installation) -> None:
    """The command of the profile GPU, in an image that runs here; the other case is in tests/classifier."""
    pod = ["exec", "-n", NAMESPACE, DEPLOYMENT, "--", *PROBE]
    asking.access.kubectl(*pod)
    nobody = asking.access.run("kubectl", *pod[:-1], "127.0.0.1:9", check=False)
    assert nobody.returncode == 1
