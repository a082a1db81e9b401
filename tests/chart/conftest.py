"""Helm 3, Helm 4 and kubeconform, built from their pinned modules when they are missing."""

from pathlib import Path

import pytest

from tests.chart.helm import Helm
from tests.cluster import capabilities, pins, programs


@pytest.fixture(scope="session")
def programs_folder(request: pytest.FixtureRequest) -> Path:
    if not all(pins.program(name).file.exists() for name in pins.CHART) and (lacks := capabilities.missing_go()):
        pytest.skip(f"Helm is built by {', '.join(lacks)}")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        return programs.build(pins.CHART)


@pytest.fixture(scope="session", params=["helm3", "helm"], ids=["helm-3", "helm-4"])
def helm(request: pytest.FixtureRequest, programs_folder: Path) -> Helm:
    return Helm(programs_folder / request.param)


@pytest.fixture(scope="session")
def helm4(programs_folder: Path) -> Helm:
    return Helm(programs_folder / "helm")
