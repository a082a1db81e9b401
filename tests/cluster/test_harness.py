"""The clusters themselves: what other tests rely on. Warm: under a minute."""

import urllib.request
from pathlib import Path

import pytest

from tests.cluster import images
from tests.cluster.access import KubectlError
from tests.cluster.control_plane import ControlPlane
from tests.cluster.daemons import until
from tests.cluster.fixtures import ApiServer, Cluster

HERE = Path(__file__).parent
ASK = """
import urllib.request
for _ in range(30):
    print(urllib.request.urlopen("http://served.harness.svc:8080/").read().decode())
"""
IMAGE = "localhost/pointsman-harness:1"


def test_api_server_answers_and_writes_an_audit_log(api_server: ApiServer) -> None:
    access = api_server.access
    access.apply('{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "answers"}}')
    if access.audit is None:
        pytest.skip("a user's cluster: its audit log is elsewhere")
    mark = access.audit.mark()
    access.kubectl("get", "namespace", "answers")
    [entry] = [entry for entry in access.audit.since(mark) if entry["user"]["username"] == "admin"]
    assert (entry["verb"], entry["objectRef"]["name"], entry["responseStatus"]["code"]) == ("get", "answers", 200)


def test_api_server_refuses_what_a_crd_forbids(api_server: ApiServer) -> None:
    api_server.access.apply((HERE / "manifests/crd.yaml").read_text())
    api_server.access.established("crd/trains.harness.pointsman.dev")
    train = (
        '{"apiVersion": "harness.pointsman.dev/v1", "kind": "Train", "metadata": {"name": "a"}, "spec": {"cars": %d}}'
    )
    api_server.access.apply(train % 3)
    with pytest.raises(KubectlError, match="cars are odd"):
        api_server.access.apply(train % 4)


def test_a_service_account_has_only_its_rights(api_server: ApiServer) -> None:
    access = api_server.access
    access.apply((HERE / "manifests/reader.yaml").read_text())
    reader = access.service_account("default", "harness-reader")
    reader.kubectl("get", "configmaps", "-n", "default")
    with pytest.raises(KubectlError, match="forbidden"):
        reader.kubectl("get", "secrets", "-n", "default")
    if access.audit:
        codes = {
            entry["responseStatus"]["code"] for entry in access.audit.of("system:serviceaccount:default:harness-reader")
        }
        assert codes == {200, 403}


def test_controllers_run_when_asked_for(api_server: ApiServer) -> None:
    access = api_server.with_controllers()
    access.kubectl("create", "namespace", "controlled")
    access.kubectl("create", "service", "clusterip", "points", "--tcp=80", "-n", "controlled")
    until(lambda: bool(access.get("endpointslices", "-n", "controlled")["items"]), "no EndpointSlice")
    until(lambda: bool(access.get("serviceaccounts", "-n", "controlled")["items"]), "no service account")


def test_what_was_stored_survives_an_outage(own_api_server: ControlPlane) -> None:
    access = own_api_server.access
    access.kubectl("create", "namespace", "durable")
    own_api_server.stop_api_server()
    with pytest.raises(KubectlError, match="refused"):
        access.kubectl("get", "namespace", "durable")
    own_api_server.start_api_server()
    access.kubectl("get", "namespace", "durable")


@pytest.fixture(scope="module")
def served(cluster: Cluster) -> Cluster:
    """Two restricted pods of an image that is built here, behind a Service."""
    cluster.load(images.build(IMAGE, HERE / "image"))
    cluster.access.apply((HERE / "manifests/served.yaml").read_text())
    cluster.access.kubectl("rollout", "status", "-n", "harness", "deployment/served", "--timeout=60s")
    return cluster


def test_pods_run_under_restricted_pod_security(served: Cluster) -> None:
    pods = served.access.get("pods", "-n", "harness", "-l", "app=served")["items"]
    assert [pod["status"]["phase"] for pod in pods] == ["Running", "Running"]
    with pytest.raises(KubectlError, match="violates PodSecurity"):
        served.access.kubectl("run", "root", "-n", "harness", f"--image={IMAGE}")


def test_a_service_is_found_by_name_and_reaches_every_pod(served: Cluster) -> None:
    pods = served.access.get("pods", "-n", "harness", "-l", "app=served")["items"]
    names = {pod["metadata"]["name"] for pod in pods}
    # kube-proxy hears of a ready pod up to a second later, so the first answers may all be one pod's.
    until(lambda: set(inside(served, "python3", "-c", ASK).split()) == names, "not every pod answered")


def test_logs_are_read_through_the_node(served: Cluster) -> None:
    assert "serving" in served.access.kubectl("logs", "-n", "harness", "deployment/served")


def test_this_machine_reaches_services_too(served: Cluster) -> None:
    address = served.access.get("service", "served", "-n", "harness")["spec"]["clusterIP"]
    with urllib.request.urlopen(f"http://{address}:8080/", timeout=5) as answer:
        assert answer.status == 200


def test_helm_sees_the_cluster(served: Cluster) -> None:
    assert "STATUS" in served.access.run("helm", "list", "-A").stdout


def inside(cluster: Cluster, *command: str) -> str:
    return cluster.access.kubectl("exec", "-n", "harness", "deployment/served", "--", *command)
