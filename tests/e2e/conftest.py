"""The chart with the example on a real cluster, once for all tests of this folder; how long it took is printed."""

import os
import time
from pathlib import Path

import pytest

from tests.cluster.files import say
from tests.cluster.fixtures import Cluster
from tests.e2e import images
from tests.e2e.installation import Installation


@pytest.fixture(scope="session")
def installation(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Installation:
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
            say(f"image {name}: built in {built - begin:.0f} s, loaded in {time.monotonic() - built:.0f} s")
        installed = installed_with_example(cluster, tmp_path_factory.mktemp("e2e"))
    return installed


def installed_with_example(cluster: Cluster, folder: Path) -> Installation:
    begin = time.monotonic()
    installed = Installation(cluster.access)
    installed.install()
    installed.let_in(folder, "free", "paid")
    installed.apply_example()
    installed.ready()
    say(f"chart and example: ready {time.monotonic() - begin:.0f} s after helm install")
    return installed
