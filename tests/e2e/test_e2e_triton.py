"""Routers ask Triton; while it is gone they classify themselves, and no request fails."""

import json
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.cluster.files import say
from tests.cluster.fixtures import Cluster
from tests.e2e import images
from tests.e2e.clients import ASK
from tests.e2e.installation import NAMESPACE, RELEASE, Installation, eventually
from tests.e2e.test_e2e_routes import CODE, MATHEMATICS, TRANSLATION, URL

ASKED = [{"text": CODE}, {"text": MATHEMATICS}, {"text": TRANSLATION}]
ROUTES = ["code", "mathematics", "translation"]


@pytest.fixture(scope="module")
def triton(installation: Installation, cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Installation]:
    capture = request.config.pluginmanager.getplugin("capturemanager")
    if cluster.node:
        with capture.global_and_fixture_disabled():
            begin = time.monotonic()
            archive = images.build("triton-cpu")
            cluster.load(archive)
            say(f"image triton-cpu: built and loaded in {time.monotonic() - begin:.0f} s")
    small = {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "2Gi"}}  # one node for all
    installation.install("--set", "router.classifier=Triton", "--set-json", f"triton.resources={json.dumps(small)}")
    for name in ("triton", "router"):
        installation.rolled_out(f"{RELEASE}-{name}", seconds=400)
    yield installation
    installation.install("--set", "router.classifier=Embedded")
    installation.rolled_out(f"{RELEASE}-router")


def inferences(installation: Installation) -> float:
    """How many texts Triton has classified, all its pods together."""
    total = 0.0
    for pod in installation.pods("triton"):
        try:
            with urllib.request.urlopen(f"http://{pod['status']['podIP']}:8002/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except (OSError, KeyError):  # it starts
            continue
        wanted = 'nv_inference_request_success{model="classifier"'
        total += sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(wanted))
    return total


def routes(installation: Installation) -> list[str]:
    told = installation.client(ASK, URL, installation.keys["paid"], json.dumps([dict(each) for each in ASKED]))
    return [each["route"] for each in told]


def test_routers_ask_triton(triton: Installation) -> None:
    def asked() -> bool:
        before = inferences(triton)
        assert routes(triton) == ROUTES
        return inferences(triton) > before

    eventually(asked, "an inference by Triton", 120)


def test_without_triton_routers_classify_themselves_and_with_it_they_ask_again(triton: Installation) -> None:
    kubectl = triton.access.kubectl
    kubectl("scale", "-n", NAMESPACE, f"deployment/{RELEASE}-triton", "--replicas=0")
    eventually(lambda: not triton.pods("triton"), "Triton's end")
    assert routes(triton) == ROUTES
    kubectl("scale", "-n", NAMESPACE, f"deployment/{RELEASE}-triton", "--replicas=1")
    triton.rolled_out(f"{RELEASE}-triton", seconds=400)

    def back() -> bool:
        assert routes(triton) == ROUTES
        return inferences(triton) > 1

    eventually(back, "an inference by the new Triton", 120)
