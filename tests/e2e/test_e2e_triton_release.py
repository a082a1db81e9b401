"""Triton's models on a volume: a job adds a release to it, and has it answer; routers follow."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.fixtures import Cluster
from tests.e2e import triton
from tests.e2e.installation import EXAMPLE, NAMESPACE, Installation
from tests.support.waiting import eventually

MANIFESTS = EXAMPLE / "triton"
VOLUME = Path("/var/tmp/pointsman-e2e-models")


@pytest.fixture
def on_a_volume(installation: Installation, cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """Triton serves a repository that a job made on a volume; here a folder of the node is what backs the claim."""
    if cluster.node is None:
        pytest.skip("your own cluster: a folder of its node is what the volume would be")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        triton.load(cluster)
    shutil.rmtree(VOLUME, ignore_errors=True)
    VOLUME.mkdir(mode=0o777)
    VOLUME.chmod(0o777)
    spec = {
        "capacity": {"storage": "2Gi"},
        "accessModes": ["ReadWriteMany"],
        "persistentVolumeReclaimPolicy": "Retain",
        "hostPath": {"path": str(VOLUME)},
        "claimRef": {"namespace": NAMESPACE, "name": "models"},
    }
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "models"}, "spec": spec}
    installation.access.apply(json.dumps(volume))
    installation.apply_file(MANIFESTS / "models.yaml")
    done(installation, "models")
    installation.access.kubectl("delete", "job", "-n", NAMESPACE, "models")
    claim = json.dumps({"persistentVolumeClaim": {"claimName": "models"}})
    triton.start(installation, "--set-json", f"triton.modelVolume={claim}")
    yield installation
    triton.stop(installation)
    names = ("job/release", "configmap/release-cases", "pvc/models")
    installation.access.kubectl("delete", "-n", NAMESPACE, "--ignore-not-found", *names)
    installation.access.kubectl("delete", "pv", "models")
    shutil.rmtree(VOLUME)


def done(installation: Installation, job: str) -> str:
    """A job's last words."""

    def ended() -> str:
        status = installation.access.get("job", job, "-n", NAMESPACE).get("status", {})
        logs = ["logs", "-n", NAMESPACE, f"job/{job}", "--all-containers"]
        assert not status.get("failed"), installation.access.kubectl(*logs)
        return installation.access.kubectl(*logs) if status.get("succeeded") else ""

    return eventually(ended, f"the end of job {job}", 240)


def test_a_job_promotes_a_release(on_a_volume: Installation) -> None:
    assert {triton.release(pod) for pod in on_a_volume.pods("router")} == {"1"}
    on_a_volume.apply_file(MANIFESTS / "release.yaml")
    assert "release 2 answers" in done(on_a_volume, "release")

    def followed() -> bool:
        return {triton.release(pod) for pod in on_a_volume.pods("router")} == {"2"}

    eventually(followed, "the new release at every router")
