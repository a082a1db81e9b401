"""References into Secrets and other namespaces, up to the model server: rotated, withdrawn, never shown."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pointsman.core.keys import new_key
from tests.cluster.access import Access
from tests.control_plane.grants import grant, install_grants
from tests.control_plane.line import Line, model, policy
from tests.support.waiting import eventually

SECONDS = 20
"""Until a change of a Secret or a grant is given up; how long it took is printed."""
NEVER = "never-shown"
"""Part of every secret value here."""


def secret(name: str, **values: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "ai", "labels": {"pointsman.dev/secret": ""}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values}


def ask(line: Line, name: str, key: str = "") -> int:
    """Status of one request."""
    body = {"model": name, "messages": [{"role": "user", "content": "hello"}]}
    request = urllib.request.Request(
        f"http://127.0.0.1:{line.routers[0].port}/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def within(look: Any, what: str) -> float:
    """How long it took."""
    started = time.monotonic()
    eventually(look, what, SECONDS)
    return time.monotonic() - started


@pytest.fixture
def line(with_namespace: Access, reachable: str, tmp_path: Path) -> Iterator[Line]:
    """An operator, a router and model servers; what was applied is gone afterwards."""
    line = Line(with_namespace, tmp_path, reachable, ("--keys", "ai/clients"))
    try:
        yield line
    finally:
        line.stop()
        line.clear()


def everything_shown(line: Line, access: Access) -> str:
    """Whatever a person or a collector could read."""
    shown = "".join(line.log(name) for name in ("operator-0", "router-0"))
    for path in ("/snapshot", "/metrics", "/readyz", "/livez"):
        shown += str(line.operators[0](path)) + str(line.routers[0](path))
    shown += access.kubectl("get", "rpol,mbe", "-A", "-o", "yaml", "--show-managed-fields")
    shown += access.kubectl("get", "events.events.k8s.io,leases", "-A", "-o", "yaml")
    shown += line.routers[0].state.read_bytes().decode("latin-1")
    return shown


def test_secrets_rotate_in_seconds_and_are_never_shown(line: Line, with_namespace: Access) -> None:
    first, entry = new_key(b"1" * 32, tenant="one")
    second, another = new_key(b"2" * 32, tenant="two")

    def clients(*entries: Any) -> dict[str, Any]:
        return secret(
            "clients", **{"keys.yaml": json.dumps({"keys": [each.model_dump(mode="json") for each in entries]})}
        )

    line.apply(secret("upstream", token=f"{NEVER}-one"), clients(entry))
    line.start_model("small", auth={"secretKeyRef": {"name": "upstream", "key": "token"}})
    line.apply(policy("auto", "small"))
    line.start_operator().wait_ready()
    line.start_router()
    line.wait_converged()

    def credentials() -> list[str]:
        return [received["headers"]["authorization"] for received in line.models["small"].requests()]

    eventually(lambda: ask(line, "auto", first) == 200, "an answer")
    assert set(credentials()) == {f"Bearer {NEVER}-one"}
    assert (ask(line, "auto"), ask(line, "auto", second)) == (401, 401)

    line.apply(secret("upstream", token=f"{NEVER}-two"))
    took = within(
        lambda: ask(line, "auto", first) == 200 and credentials()[-1] == f"Bearer {NEVER}-two", "the new credential"
    )
    line.apply(clients(entry, another))
    took = max(took, within(lambda: ask(line, "auto", second) == 200, "the new key"))
    line.apply(clients(another))
    took = max(took, within(lambda: ask(line, "auto", first) == 401, "the revoked key to be refused"))
    assert ask(line, "auto", second) == 200
    line.caller.delete(clients())
    within(lambda: ask(line, "auto", second) == 401, "nobody to be let in without the Secret")

    broken = secret("clients", **{"keys.yaml": f"keys: [{{id: a, hash: {NEVER}}}]"})
    line.apply(broken)
    eventually(lambda: "client API keys" in line.log("operator-0"), "the problem in the log")
    shown = everything_shown(line, with_namespace)
    assert len(shown) > 5000
    for value in (NEVER, first, second, entry.hash, another.hash):
        assert value not in shown
    print(f"a changed Secret reached its end within {took:.1f} s")


def test_without_its_label_a_secret_is_not_read(line: Line) -> None:
    hidden = secret("upstream", token=f"{NEVER}-one")
    del hidden["metadata"]["labels"]
    line.apply(hidden)
    line.start_model("small", auth={"secretKeyRef": {"name": "upstream", "key": "token"}})
    line.start_operator().wait_ready()
    found = eventually(lambda: _condition(line, "ModelBackend", "small", "ResolvedRefs", "RefNotFound"), "the status")
    assert found.startswith("spec.auth.secretKeyRef.name: there is no Secret ai/upstream. ")
    assert "label pointsman.dev/secret=true" in found
    line.apply(secret("upstream", token=f"{NEVER}-one"))
    eventually(
        lambda: _condition(line, "ModelBackend", "small", "ResolvedRefs", "ResolvedRefs") is not None, "the mend"
    )


def _condition(line: Line, kind: str, name: str, type_: str, reason: str) -> str | None:
    """The message, once the condition has the reason."""
    conditions = line.caller.get(kind, "ai", name)["status"]["conditions"]
    return next(
        (str(each["message"]) for each in conditions if (each["type"], each["reason"]) == (type_, reason)), None
    )


def test_other_namespaces_are_reached_while_they_allow_it(line: Line, with_namespace: Access, reachable: str) -> None:
    install_grants(with_namespace)
    with_namespace.apply('{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "legal"}}')
    everyone = {"keys": [{"id": "public", "anonymous": True, "tenant": "public"}]}
    line.apply(secret("clients", **{"keys.yaml": json.dumps(everyone)}))
    line.start_model("own")
    foreign = model("statutes", reachable, line.models["own"].port, namespace="legal")
    refs = [{"name": "statutes", "namespace": "legal"}]
    asks = {**policy("law"), "spec": {"virtualModels": ["law"], "default": {"backends": refs}}}
    service = {"name": "statutes", "namespace": "legal", "port": 80}
    reaches = {
        **foreign[2],
        "metadata": {"name": "borrowed", "namespace": "ai"},
        "spec": {"model": "borrowed", "endpoints": {"serviceRef": service}},
    }
    line.apply(*foreign, asks, reaches, policy("auto", "own"))
    line.start_operator().wait_ready()
    line.start_router()
    line.wait_converged()
    denied = _condition(line, "RoutingPolicy", "law", "ResolvedRefs", "RefNotPermitted") or ""
    assert "namespace legal does not allow references to its ModelBackends from here" in denied
    denied = _condition(line, "ModelBackend", "borrowed", "ResolvedRefs", "RefNotPermitted") or ""
    assert "namespace legal does not allow references to its Services from here" in denied
    assert (ask(line, "law"), ask(line, "borrowed"), ask(line, "auto")) == (503, 503, 200)

    allowed = [
        grant("legal", "RoutingPolicy", "ai", {"group": "pointsman.dev", "kind": "ModelBackend", "name": "statutes"}),
        {**grant("legal", "ModelBackend", "ai", {"group": "", "kind": "Service"})},
    ]
    allowed[1]["metadata"] = {**allowed[1]["metadata"], "name": "services"}
    line.apply(*allowed)
    took = within(lambda: (ask(line, "law"), ask(line, "borrowed")) == (200, 200), "the grants to hold")
    for each in allowed:
        line.caller.delete(each)
    took = max(took, within(lambda: (ask(line, "law"), ask(line, "borrowed")) == (503, 503), "the withdrawal to hold"))
    assert ask(line, "auto") == 200
    print(f"grants and their withdrawal held within {took:.1f} s")
