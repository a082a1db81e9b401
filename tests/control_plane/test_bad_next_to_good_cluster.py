"""What is wrong with one object never moves another: neither what routers have of it, nor its status.

First references that break after their objects were admitted, then every invalid manifest, on an API server whose CRDs
refuse nothing, as older ones would.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from pointsman.core.canonical import Entry
from router_svc.source.stream.shelf import Shelf
from tests.cluster.access import Access
from tests.cluster.control_plane import ControlPlane
from tests.control_plane.conftest import CRDS
from tests.control_plane.grants import grant, install_grants
from tests.control_plane.line import Line, Objects, model, policy
from tests.support.waiting import eventually

HOST = "10.0.0.1"
"""Nobody connects to it here."""
INVALID = sorted((Path(__file__).parents[1] / "golden" / "invalid").glob("*.yaml"), key=lambda file: file.stem)
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "good-key", "namespace": "ai", "labels": {"pointsman.dev/secret": ""}},
    "stringData": {"token": "of-the-good"},
}
AUTH = {"secretKeyRef": {"name": "good-key", "key": "token"}}
GOOD: Objects = [
    SECRET,
    *model("good-1", HOST, 80, auth=AUTH),
    *model("good-2", HOST, 81),
    policy("good", "good-1", "good-2"),
    policy("better", "good-2", models=("better", "best")),
]
NAMES = [
    ("ModelBackend", "good-1"),
    ("ModelBackend", "good-2"),
    ("RoutingPolicy", "good"),
    ("RoutingPolicy", "better"),
]


class Good(msgspec.Struct, frozen=True):
    """What must not move."""

    entries: tuple[Entry, ...]
    """Of the routers' manifest, with the hashes of the contents."""
    versions: tuple[str, ...]
    """The objects' resourceVersions, which every write of a status raises."""


def good(line: Line) -> Good:
    router = line.routers[0]
    held = Shelf(router.folder, router.folder / "private").load()
    assert held is not None
    assert held.api_server  # as the operator saw it, so that the router refuses it too
    entries = tuple(each for each in held.wire.manifest.entries if (each.kind, each.name) in NAMES)
    objects = [line.caller.get(kind, "ai", name) for kind, name in NAMES]
    return Good(entries, tuple(each["metadata"]["resourceVersion"] for each in objects))


def condition(line: Line, body: dict[str, Any]) -> dict[str, str]:
    """Reasons and messages by type; nothing while there is no status."""
    metadata = body["metadata"]
    found = line.caller.get(body["kind"], metadata["namespace"], metadata["name"])
    conditions = found.get("status", {}).get("conditions", ())
    return {each["type"]: f"{each['reason']}: {each['message']}" for each in conditions}


def bring_up(line: Line) -> Line:
    line.apply(*GOOD)
    line.start_operator().wait_ready()
    line.start_router()
    line.wait_converged()
    eventually(lambda: all(_is_ready(line, name) for name in NAMES), "the good ones to be ready")
    return line


def _is_ready(line: Line, name: tuple[str, str]) -> bool:
    status = line.caller.get(name[0], "ai", name[1]).get("status", {})
    found = {each["type"]: each["status"] for each in status.get("conditions", ())}
    return found.get("Ready") == "True"


@pytest.fixture(scope="module")
def line(with_namespace: Access, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    install_grants(with_namespace)
    with_namespace.apply('{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "legal"}}')
    line = Line(with_namespace, tmp_path_factory.mktemp("line"))
    try:
        yield bring_up(line)
    finally:
        line.stop()
        for body in GOOD:
            line.caller.delete(body)


class Break(msgspec.Struct, frozen=True):
    """Objects that are well, what then happens, and what is said of the last of them."""

    name: str
    objects: Objects
    breaks: Callable[[Line], None]
    kind: str
    says: str


def gone(*bodies: dict[str, Any]) -> Callable[[Line], None]:
    return lambda line: [line.caller.delete(body) for body in bodies] and None


def becomes(body: dict[str, Any]) -> Callable[[Line], None]:
    return lambda line: line.apply(body)


def changed(body: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {**body, "spec": {**body["spec"], **spec}}


BAD = model("bad", "10.0.0.9", 80)
SERVICE, SLICE, BACKEND = BAD
POLICY = policy("bad-policy", "bad")
KEY = {**SECRET, "metadata": {**SECRET["metadata"], "name": "bad-key"}}
WITH_KEY = changed(BACKEND, auth={"secretKeyRef": {"name": "bad-key", "key": "token"}})
LABELLED = {**BACKEND, "metadata": {**BACKEND["metadata"], "labels": {"tier": "gold"}}}
UNLABELLED = {**BACKEND, "metadata": {**BACKEND["metadata"], "labels": {"tier": "tin"}}}
SELECTING = changed(POLICY, default={"backendSelector": {"matchLabels": {"tier": "gold"}}})
FOREIGN = model("statutes", "10.0.0.8", 80, namespace="legal")
ABROAD = changed(POLICY, default={"backends": [{"name": "statutes", "namespace": "legal"}]})
GRANT = grant("legal", "RoutingPolicy", "ai", {"group": "pointsman.dev", "kind": "ModelBackend"})
OTHER_PORT = {**SERVICE, "spec": {"clusterIP": "None", "ports": [{"port": 81}]}}
QUOTA = {"name": "q", "resource": "Tokens", "limit": "5"}
BONN = {"type": "Calendar", "period": "Day", "timeZone": "Europe/Bonn"}
TAKEN, ZONED = changed(POLICY, virtualModels=["good"]), changed(POLICY, quotas=[{**QUOTA, "window": BONN}])


def at_the_api_server(line: Line) -> None:
    """Kubernetes itself refuses loopback and link-local addresses in a slice, but not its own."""
    own = line.access.get("endpointslice", "kubernetes", "-n", "default")
    line.apply({**SLICE, "endpoints": [{"addresses": own["endpoints"][0]["addresses"]}]})


CASES = [
    Break("backend deleted", [*BAD, POLICY], gone(BACKEND), "ResolvedRefs", "there is no ModelBackend ai/bad"),
    Break("Service deleted", [*BAD, BACKEND], gone(SLICE, SERVICE), "ResolvedRefs", "there is no Service ai/bad"),
    Break("Service without the port", [*BAD, BACKEND], becomes(OTHER_PORT), "ResolvedRefs", "has no port 80"),
    Break("endpoints gone", [*BAD, BACKEND], gone(SLICE), "Ready", "No endpoint is ready"),
    Break("endpoints where none may be", [*BAD, BACKEND], at_the_api_server, "Ready", "is the Kubernetes API server"),
    Break("Secret gone", [KEY, *BAD, WITH_KEY], gone(KEY), "ResolvedRefs", "there is no Secret ai/bad-key"),
    Break("grant withdrawn", [GRANT, *FOREIGN, ABROAD], gone(GRANT), "ResolvedRefs", "does not allow references"),
    Break("label removed", [*BAD, LABELLED, SELECTING], becomes(UNLABELLED), "ResolvedRefs", "carries these labels"),
    Break("name of another", [*BAD, POLICY], becomes(TAKEN), "Accepted", "Conflicted"),
    Break("zone that is none", [*BAD, POLICY], becomes(ZONED), "Accepted", "Bonn"),
    Break(
        "host that is not allowed",
        [*BAD, BACKEND],
        becomes(changed(BACKEND, endpoints={"external": {"host": "models.example.com", "port": 443}})),
        "Accepted",
        "is not among the external hosts",
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_reference_that_breaks_moves_nobody_else(case: Break, line: Line) -> None:
    before = good(line)
    last = case.objects[-1]
    line.apply(*case.objects)
    try:
        eventually(lambda: condition(line, last).get("Accepted", "").startswith("Accepted"), "the object to be well")
        eventually(lambda: case.says not in condition(line, last).get(case.kind, case.says), "all of it to be well")
        case.breaks(line)
        eventually(lambda: case.says in condition(line, last).get(case.kind, ""), case.says)
        line.wait_converged()
        assert good(line) == before
    finally:
        for body in case.objects:
            line.caller.delete(body)
    line.wait_converged()
    assert good(line) == before


def lax_crds() -> str:
    """Our CRDs without what they check."""
    definitions = [yaml.safe_load(file.read_text()) for file in sorted(CRDS.glob("*.yaml"))]
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    for definition in definitions:
        for version in definition["spec"]["versions"]:
            version["schema"] = {"openAPIV3Schema": anything}
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": definitions})


def test_every_invalid_manifest_moves_nobody_else(own_with_crds: ControlPlane, tmp_path: Path) -> None:
    """All at once; `tests/core/test_invalid.py` looks at each alone."""
    access = own_with_crds.access
    access.apply(lax_crds(), "--force-conflicts")
    line = Line(access, tmp_path)
    bad = [yaml.safe_load(file.read_text()) for file in INVALID]
    try:
        bring_up(line)
        before = good(line)
        for body in bad:
            status, answer = line.caller.create(body)
            assert status == 201, answer
        for body in bad:
            eventually(
                lambda body=body: "Accepted" in condition(line, body), f"a verdict on {body['metadata']['name']}"
            )
        accepted = [
            body["metadata"]["name"] for body in bad if condition(line, body)["Accepted"].startswith("Accepted")
        ]
        assert accepted == []
        line.wait_converged()
        assert good(line) == before
        for body in bad:
            line.caller.delete(body)
        line.wait_converged()
        assert good(line) == before
    finally:
        line.stop()
