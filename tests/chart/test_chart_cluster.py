"""What the chart renders, held against a real API server: its schemas, its admission, restricted Pod Security."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.chart import schemas
from tests.chart.helm import NAMESPACE, PROFILES, Helm, options_of
from tests.cluster.fixtures import ApiServer

OPERATORS = "ServiceMonitor,PrometheusRule"  # the Prometheus operator's, which is not there
EACH = pytest.mark.parametrize("profile", [None, *PROFILES], ids=lambda path: path.stem if path else "default")


@pytest.fixture(scope="session")
def schema_folder(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("schemas")
    schemas.write(json.loads(api_server.access.kubectl("get", "--raw", "/openapi/v2")), folder)
    return folder


@EACH
def test_kubeconform_finds_nothing(
    schema_folder: Path, programs_folder: Path, helm: Helm, profile: Path | None
) -> None:
    said = conform(programs_folder, schema_folder, helm.rendered(*options_of(profile)))
    assert said.returncode == 0, said.stdout + said.stderr
    assert "Errors: 0, Skipped: 0" in said.stdout or profile is not None


def test_kubeconform_would_find_a_field_that_does_not_exist(
    schema_folder: Path, programs_folder: Path, helm4: Helm
) -> None:
    wrong = helm4.rendered().replace("terminationGracePeriodSeconds", "terminationGraceSeconds")
    said = conform(programs_folder, schema_folder, wrong)
    assert said.returncode == 1
    assert "terminationGraceSeconds" in said.stdout


@EACH
def test_a_restricted_namespace_takes_it(api_server: ApiServer, helm4: Helm, profile: Path | None) -> None:
    access = api_server.access
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    metadata = {"name": NAMESPACE, "labels": labels}
    access.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))
    account = {"name": "default", "namespace": NAMESPACE}  # a controller's work, where there is one
    access.apply(json.dumps({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}))
    objects = [each for each in helm4.objects(*options_of(profile)) if each["kind"] not in OPERATORS.split(",")]
    stream = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    result = access.run("kubectl", "apply", "--server-side", "--dry-run=server", "-f", "-", stdin=stream)
    assert "Warning" not in result.stderr
    assert result.stdout.count("serverside-applied") == len(objects)


def conform(programs: Path, folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    command = [programs / "kubeconform", "-strict", "-summary", "-skip", OPERATORS]
    command += ["-schema-location", f"{folder}/{schemas.LOCATION}", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)
