"""A Kubernetes API with Pointsman's CRDs, for the tests marked `cluster`, and an address that endpoints may have."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.access import Access
from tests.cluster.control_plane import ControlPlane
from tests.cluster.fixtures import ApiServer
from tests.control_plane.calls import Caller
from tests.control_plane.process import NAMESPACE
from tests.support.waiting import eventually

CRDS = Path(__file__).parents[2] / "crds"


def install(access: Access) -> Access:
    """The CRDs as a user would, and the namespaces of tests and operator."""
    access.kubectl("apply", "--server-side", "-f", str(CRDS))
    access.established("-f", str(CRDS))
    # established is not yet discovered, by which kubectl knows short names
    eventually(lambda: access.run("kubectl", "explain", "rpol", check=False).returncode == 0, "discovery")
    for name in ("ai", NAMESPACE):
        access.apply(f'{{"apiVersion": "v1", "kind": "Namespace", "metadata": {{"name": "{name}"}}}}')
    return access


@pytest.fixture(scope="session")
def with_crds(api_server: ApiServer) -> Access:
    """The CRDs are installed, and served."""
    return install(api_server.access)


@pytest.fixture
def own_with_crds(own_api_server: ControlPlane) -> ControlPlane:
    """A control plane for one test, which may break it."""
    install(own_api_server.access)
    return own_api_server


@pytest.fixture(scope="session")
def reachable() -> Iterator[str]:
    """An address of this machine alone that is not loopback, which the API server would refuse in an EndpointSlice."""
    address = f"10.251.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
    command = ["ip", "address", "add", f"{address}/32", "dev", "lo"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs root and iproute2, to give this machine an address that is not loopback")
    yield address
    command[2] = "del"
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="session")
def with_namespace(with_crds: Access) -> Access:
    """The operator's own namespace exists."""
    return with_crds


@pytest.fixture
def caller(with_crds: Access) -> Iterator[Caller]:
    """Raw requests; what a test created under `ai` is gone afterwards."""
    caller = Caller(with_crds.kubeconfig)
    yield caller
    for plural in ("routingpolicies", "modelbackends"):
        caller("DELETE", f"/apis/pointsman.dev/v1alpha1/namespaces/ai/{plural}")
