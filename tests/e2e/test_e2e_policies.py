"""The chart's network policies where something enforces them: the line works, and nothing else gets through."""

import json
from collections.abc import Iterator

import pytest

from tests.cluster.fixtures import Cluster
from tests.e2e import policies
from tests.e2e.clients import ASK, CONNECT
from tests.e2e.installation import CLIENT_POD, NAMESPACE, RELEASE, Installation
from tests.e2e.test_e2e_routes import CODE, URL
from tests.support.waiting import eventually

CLIENTS = json.dumps([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "demo"}}}])
API_SERVER = "kubernetes.default.svc:443"
OPERATOR = f"{RELEASE}-operator.{NAMESPACE}.svc"
ROUTER = f"{RELEASE}-router.{NAMESPACE}.svc:80"
MODEL = "flaky.demo.svc:8000"
STRANGER = ("stranger", "pod/stranger")


def pod(component: str) -> tuple[str, str]:
    return NAMESPACE, f"deployment/{RELEASE}-{component}"


PATHS = [
    (CLIENT_POD, ROUTER, True),
    (STRANGER, ROUTER, False),
    (CLIENT_POD, f"{OPERATOR}:8083", False),  # the stream: routers alone
    (STRANGER, f"{OPERATOR}:8082", True),  # metrics: any namespace, unless told otherwise
    (pod("router"), f"{OPERATOR}:8083", True),
    (pod("router"), MODEL, True),
    (pod("router"), API_SERVER, False),
    (pod("operator"), API_SERVER, True),
    (pod("operator"), MODEL, False),
    (pod("operator"), ROUTER, False),
]
"""From, to, and whether a connection comes about."""


@pytest.fixture(scope="module")
def guarded(installation: Installation, cluster: Cluster) -> Iterator[Installation]:
    """Everything below runs under enforcement, and every connection of the line was made under it."""
    if cluster.node is None:
        pytest.skip("your own cluster: whether it enforces network policies is not known")
    access = installation.access
    installation.install("--set-json", f"networkPolicy.clients={CLIENTS}")
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    access.apply(
        json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "stranger", "labels": labels}})
    )
    template = access.get("deployment", "client", "-n", "demo")["spec"]["template"]["spec"]
    stranger = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stranger", "namespace": "stranger"}}
    access.apply(json.dumps(stranger | {"spec": template}))
    access.kubectl("wait", "-n", "stranger", "--for=condition=Ready", "--timeout=90s", "pod/stranger")
    assert all(reached(installation)), "something is out of reach before policies are enforced"
    with policies.enforced(cluster.node):
        for component in ("operator", "router"):
            access.kubectl("rollout", "restart", "-n", NAMESPACE, f"deployment/{RELEASE}-{component}")
        installation.ready()
        yield installation
    access.kubectl("delete", "namespace", "stranger", "--wait=false")
    installation.install()


def reached(installation: Installation) -> list[bool]:
    """Which of PATHS a connection takes."""
    return [installation.client(CONNECT, address, pod=source)[0] for source, address, _ in PATHS]


def test_only_the_lines_connections_come_about(guarded: Installation) -> None:
    assert dict(zip(PATHS, reached(guarded), strict=True)) == {path: path[2] for path in PATHS}


def test_requests_are_answered_and_changes_arrive(guarded: Installation) -> None:
    asked = json.dumps([{"text": CODE}, {"text": CODE, "stream": True}])
    told = guarded.client(ASK, URL, guarded.keys["paid"], asked)
    assert [(each["backend"], each["answered"]) for each in told] == [("demo/large", True)] * 2
    guarded.access.kubectl("scale", "-n", "demo", "deployment/flaky", "--replicas=0")
    eventually(lambda: guarded.live("flaky") == 0, "the news of a backend that is gone")
    guarded.access.kubectl("scale", "-n", "demo", "deployment/flaky", "--replicas=1")
    guarded.rolled_out("flaky", "demo")
    eventually(lambda: guarded.live("flaky") == 1, "the news of a backend that is back")


def test_helm_test_passes(guarded: Installation) -> None:
    command = [guarded.helm, "test", RELEASE, "-n", NAMESPACE, "--timeout", "2m"]
    assert "Succeeded" in guarded.access.run(*command, seconds=150).stdout
