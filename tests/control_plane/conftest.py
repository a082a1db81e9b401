"""A Kubernetes API with Pointsman's CRDs, for the tests marked `cluster`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.access import Access
from tests.cluster.fixtures import ApiServer
from tests.control_plane.calls import Caller
from tests.control_plane.process import NAMESPACE

CRDS = Path(__file__).parents[2] / "crds"


@pytest.fixture(scope="session")
def with_crds(api_server: ApiServer) -> Access:
    """The CRDs are installed as a user would, and served."""
    access = api_server.access
    access.kubectl("apply", "--server-side", "-f", str(CRDS))
    access.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
    access.apply('{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ai"}}')
    return access


@pytest.fixture(scope="session")
def with_namespace(with_crds: Access) -> Access:
    """The operator's own namespace exists."""
    with_crds.apply(f'{{"apiVersion": "v1", "kind": "Namespace", "metadata": {{"name": "{NAMESPACE}"}}}}')
    return with_crds


@pytest.fixture
def caller(with_crds: Access) -> Iterator[Caller]:
    """Raw requests; what a test created under `ai` is gone afterwards."""
    caller = Caller(with_crds.kubeconfig)
    yield caller
    for plural in ("routingpolicies", "modelbackends"):
        caller("DELETE", f"/apis/pointsman.dev/v1alpha1/namespaces/ai/{plural}")
