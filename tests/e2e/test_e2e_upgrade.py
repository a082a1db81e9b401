"""The last of this folder: an upgrade that changes a CRD, and the end of the installation. No object is lost."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.installation import CHART, NAMESPACE, RELEASE, Installation

CRD = "generated/crds/pointsman.dev_modelbackends.yaml"


def test_an_upgrade_with_a_changed_crd_loses_nothing(installation: Installation, tmp_path: Path) -> None:
    before = uids(installation)
    chart = tmp_path / "pointsman"
    shutil.copytree(CHART, chart)
    crd = yaml.safe_load((chart / CRD).read_text())
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["note"] = {"type": "string"}
    (chart / CRD).write_text(yaml.safe_dump(crd))
    description = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump(description | {"version": "0.2.0"}))

    installation.install(chart=chart)
    installation.ready()
    assert uids(installation) == before
    patch = '{"spec": {"note": "a field of the new version"}}'
    installation.access.kubectl("patch", "modelbackend", "small", "-n", "demo", "--type=merge", "-p", patch)
    assert installation.access.get("modelbackend", "small", "-n", "demo")["spec"]["note"]
    installation.access.run(installation.helm, "rollback", RELEASE, "-n", NAMESPACE, "--wait", seconds=240)
    assert uids(installation) == before


def test_uninstalling_keeps_policies_backends_and_keys(installation: Installation) -> None:
    before = uids(installation)
    installation.uninstall()
    assert installation.access.get("deployments", "-n", NAMESPACE)["items"] == []
    assert uids(installation) == before
    installation.access.kubectl("get", "secret", "pointsman-keys", "-n", NAMESPACE)
    installation.install()
    installation.ready()
    assert uids(installation) == before


def uids(installation: Installation) -> dict[str, Any]:
    found = installation.access.get("modelbackends,routingpolicies", "-A")["items"]
    return {f"{each['kind']} {each['metadata']['name']}": each["metadata"]["uid"] for each in found}
