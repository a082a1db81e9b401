"""The clusters as pytest fixtures. Each is made when a test first asks for it, and removed when the session ends.

- `api_server`: etcd and kube-apiserver only, seconds, no root. `with_controllers` adds the controller manager.
- `own_api_server`: the same, for one test that wants to break it.
- `cluster`: a whole node with real pods.

POINTSMAN_TEST_KUBECONFIG=FILE takes a user's cluster for the shared ones (kind, for example). Where a machine cannot
have one, the tests are skipped with what is missing. A test that uses one of them carries the marker `cluster`
by itself.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cluster import api_server as fast
from tests.cluster import capabilities, node, programs, slots
from tests.cluster.access import Access
from tests.cluster.control_plane import ControlPlane
from tests.cluster.down import down
from tests.cluster.files import say
from tests.cluster.pins import CONTROLLERS

_FIXTURES = {"api_server", "own_api_server", "cluster"}
_USERS = "POINTSMAN_TEST_KUBECONFIG"


@dataclass
class ApiServer:
    """A Kubernetes API for tests of resources and controllers; no pods run."""

    access: Access
    plane: ControlPlane | None  # None for a user's cluster
    _controllers: bool = field(default=False, init=False)

    def with_controllers(self) -> Access:
        """Starts the controller manager unless it runs: namespaces end, Services get EndpointSlices."""
        if self.plane and not self._controllers:
            programs.build([CONTROLLERS])
            self.plane.start_controllers()
            self.plane.wait_for_controllers()
            self._controllers = True
        return self.access


@dataclass(frozen=True)
class Cluster:
    """A whole Kubernetes, with pods that run."""

    access: Access
    node: node.Node | None  # None for a user's cluster

    def load(self, archive: Path) -> None:
        """Gives the node an image that `images.build` saved."""
        if self.node is None:
            pytest.skip(f"needs to load an image, which {_USERS} does not allow")
        self.node.load(archive)


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def api_server(request: pytest.FixtureRequest) -> Iterator[ApiServer]:
    if access := _users():
        yield ApiServer(access, None)
        return
    _skip_without(capabilities.missing_for_api_server())
    with _slot(request, fast.prepare) as slot:
        plane = fast.start(slot)
        yield ApiServer(plane.access, plane)


@pytest.fixture
def own_api_server(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """One for a single test, which may stop it and start it again."""
    _skip_without(capabilities.missing_for_api_server())
    with _slot(request, fast.prepare) as slot:
        yield fast.start(slot)


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    if access := _users():
        yield Cluster(access, None)
        return
    _skip_without(capabilities.missing_for_node())
    with _slot(request, node.prepare) as slot:
        started = node.start(slot)
        yield Cluster(started.access, started)


def _users() -> Access | None:
    """The cluster that the user names, reached with the user's own kubectl."""
    if not (file := os.environ.get(_USERS)):
        return None
    _skip_without([] if shutil.which("kubectl") else [f"kubectl on the PATH, as {_USERS} is set"])
    return Access(Path(file).absolute(), None)


def _skip_without(lacks: list[str]) -> None:
    if lacks:
        pytest.skip(f"a test cluster needs {', '.join(lacks)}")


@contextmanager
def _slot(request: pytest.FixtureRequest, prepare: Callable[[], None]) -> Iterator[slots.Slot]:
    """A slot that is empty before and after. What takes long is told past pytest's capturing."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        prepare()
        for left in slots.sweep(down):
            say(f"cleared what a killed run left in {left.folder}")
    slot, lock = slots.claim()
    try:
        yield slot
    finally:
        if slot.folder.exists():
            down(slot)
        os.close(lock)
