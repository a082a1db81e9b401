"""The CRDs on a real API server: installed within the cost budget, explained, defaulted, and strict."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pointsman.core import yamltext
from tests.cluster.access import Access
from tests.control_plane.calls import Caller
from tests.control_plane.objects import BACKEND, policy

GOLDEN = Path(__file__).parents[1] / "golden"
INVALID = sorted((GOLDEN / "invalid").glob("*.yaml"), key=lambda file: file.stem)
HEADER = re.compile(r"# field: (.*)\n# problem: (.*)\n# refused by: (schema|strict|rule|compiler)\n")
POLICY = policy("small")


def manifest(file: Path) -> tuple[str, str, Any]:
    """Field, who refuses, and the object, read as `kubectl` would."""
    header = HEADER.match(file.read_text())
    assert header is not None
    return header[1], header[3], yaml.safe_load(file.read_text())


@pytest.mark.parametrize("file", INVALID, ids=lambda file: file.stem)
def test_the_api_server_refuses(file: Path, caller: Caller) -> None:
    field, refused_by, body = manifest(file)
    status, answer = caller.create(body, dry=True)
    if refused_by == "compiler":
        assert status == 201, "the API server can refuse this one now: say so in its header"
    elif refused_by == "strict":
        assert status == 400
        assert f'unknown field "{field}"' in answer["message"]
    else:
        assert status == 422, answer
        fields = [cause["field"] for cause in answer["details"]["causes"]]
        assert any(_leads_to(found, field) for found in fields), fields


def _leads_to(found: str, field: str) -> bool:
    """The very field, or the list or mapping that it is an entry of: CEL cannot point into a list."""
    return found == field or (found != "spec" and field.startswith((f"{found}[", f"{found}.")))


@pytest.mark.parametrize("case", ["design-example", "every-field", "smallest"])
def test_the_api_server_accepts(case: str, caller: Caller) -> None:
    text = (GOLDEN / "compile" / case / "input.yaml").read_text()
    ours = [each.value for each in yamltext.read(text) if str(each.value["apiVersion"]).startswith("pointsman.dev")]
    assert ours
    for body in ours:
        metadata = {"labels": {}, **body["metadata"], "namespace": "ai"}
        status, answer = caller.create({**body, "metadata": metadata}, dry=True)
        assert status == 201, answer["message"]


@pytest.mark.parametrize("kind", ["modelbackend", "rpol"])
def test_explain_reads_well(kind: str, with_crds: Access) -> None:
    text = with_crds.kubectl("explain", f"{kind}.spec", "--recursive=false")
    assert "<empty>" not in text
    fields = re.findall(r"^  (\w+)\t<", text, re.M)
    assert len(fields) > 8
    for field in fields:
        assert "<empty>" not in with_crds.kubectl("explain", f"{kind}.spec.{field}")


def test_an_object_waits_with_every_condition_unknown(caller: Caller) -> None:
    for body in (BACKEND, POLICY):
        status, created = caller.create(body)
        assert status == 201, created
        conditions = created["status"]["conditions"]
        assert [each["type"] for each in conditions] == ["Accepted", "ResolvedRefs", "Programmed", "Ready"]
        assert {each["status"] for each in conditions} == {"Unknown"}


def test_defaults_are_written_out(caller: Caller) -> None:
    spec = caller.create(POLICY)[1]["spec"]
    assert spec["fallback"]["timeouts"] == {"connect": "1s", "firstToken": "30s", "total": "5m"}
    assert spec["objective"] == {"type": "Balanced", "qualityBandPercent": 2}
    assert "routes" not in spec
    backend = caller.create(BACKEND)[1]["spec"]
    assert backend["capabilities"]["operations"] == ["Chat", "Completion"]
    assert backend["protocol"] == "OpenAI"
    assert "limits" not in backend


def test_two_managers_apply_to_one_object_without_conflict(caller: Caller) -> None:
    def with_routes(*names: str) -> dict[str, Any]:
        routes = [{"name": name, "description": name, "backends": [{"name": "small"}]} for name in names]
        return {**POLICY, "spec": {**POLICY["spec"], "routes": routes}}

    assert caller.apply(with_routes("code"), "team-code")[0] == 201
    only_route = with_routes("legal")
    status, both = caller.apply(only_route, "team-legal")
    assert status == 200, both["message"]
    assert [route["name"] for route in both["spec"]["routes"]] == ["code", "legal"]
    status, one = caller.apply(with_routes(), "team-code")
    assert status == 200
    assert [route["name"] for route in one["spec"]["routes"]] == ["legal"]
    changed = {**POLICY, "spec": {**POLICY["spec"], "default": {"backends": [{"name": "big"}]}}}
    assert caller.apply(changed, "team-other")[0] == 409  # a list of backends is one value


def test_short_names_and_columns(caller: Caller, with_crds: Access) -> None:
    caller.create(BACKEND)
    caller.create(POLICY)
    table = with_crds.kubectl("get", "rpol,mbe", "-n", "ai")
    assert "routingpolicy.pointsman.dev/chat" in table
    assert re.search(r"NAME +MODELS +ROUTES +BACKENDS +LIVE +READY +REASON +AGE", table)
    assert re.search(r'chat +\["auto"\] +Unknown +Pending', table)
    assert re.search(r"NAME +MODEL +ENDPOINTS +READY +REASON +AGE", table)
    assert "modelbackend.pointsman.dev/small" in with_crds.kubectl("get", "pointsman", "-n", "ai", "-o", "name")
