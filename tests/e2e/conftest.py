"""The chart with the example on a real cluster, once for all tests of this folder; how long it took is printed."""

import os
import time
from pathlib import Path

import pytest

from tests.cluster.fixtures import Cluster
from tests.e2e import images, memory
from tests.e2e.clients import ASK
from tests.e2e.installation import NAMESPACE, RELEASE, Installation
from tests.e2e.log import LINES, note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if LINES:
        terminalreporter.section("end to end, measured")
        terminalreporter.write("".join(f"{line}\n" for line in LINES))


@pytest.fixture(scope="session")
def with_images(cluster: Cluster, request: pytest.FixtureRequest) -> Cluster:
    """A cluster whose node has the images; nothing is installed."""
    if cluster.node is None and "POINTSMAN_E2E_IMAGES" not in os.environ:
        pytest.skip(
            "your own cluster: load the images of images/build.sh as localhost/…, set POINTSMAN_E2E_IMAGES=present"
        )
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        for name in images.OWN if cluster.node else ():
            begin = time.monotonic()
            archive = images.build(name)
            built = time.monotonic()
            cluster.load(archive)
            size = archive.stat().st_size / 2**20
            loaded = time.monotonic() - built
            note(f"image {name}: {size:.0f} MiB, built in {built - begin:.0f} s, loaded in {loaded:.0f} s")
    return cluster


@pytest.fixture(scope="session")
def installation(
    with_images: Cluster, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Installation:
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        return installed_with_example(with_images, tmp_path_factory.mktemp("e2e"))


def installed_with_example(cluster: Cluster, folder: Path) -> Installation:
    begin = time.monotonic()

    def tell(what: str) -> None:
        note(f"{what}: {time.monotonic() - begin:.1f} s after the start of helm install")

    installed = Installation(cluster.access)
    installed.install()
    tell("helm install returned")
    installed.let_in(folder, "free", "paid")
    installed.rolled_out(f"{RELEASE}-operator")
    tell("operators ready")
    installed.apply_example()
    tell("model servers run, backends and policy Ready")
    installed.ready()
    tell("routers ready")
    arguments = (f"http://{RELEASE}-router.{NAMESPACE}.svc/v1", installed.keys["paid"], '[{"text": "Hello"}]')
    assert installed.client(ASK, *arguments)[0]["answered"]
    tell("first request answered")
    memory.tell(installed, "idle")
    return installed


@pytest.fixture(scope="session")
def steady(installation: Installation) -> Installation:
    """With servers that answer at once, to be asked while something ends."""
    installation.apply_file(Path(__file__).parent / "load.yaml")
    installation.rolled_out("steady", "demo")
    names = ("modelbackend/steady", "modelbackend/slow", "routingpolicy/steady", "routingpolicy/slow")
    installation.access.kubectl("wait", "-n", "demo", "--for=condition=Ready", "--timeout=90s", *names)
    return installation
