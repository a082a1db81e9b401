"""The builder remembers only to be quick: after any changes its world is that of a fresh compile."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pointsman_operator.store import Store
from pointsman_operator.world import NOBODY, Builder, KeysSecret

from pointsman.core.compile import Installation, compile_snapshot
from pointsman.core.parse import parse_objects
from tests.control_plane.observed import served
from tests.support.manifests import manifests

SLICE = {
    "kind": "EndpointSlice",
    "metadata": {"name": "small-1", "namespace": "ai", "labels": {"kubernetes.io/service-name": "small"}},
    "addressType": "IPv4",
    "ports": [{"name": "", "port": 8000}],
}
INSTALLATION = Installation(external_hosts=("*",))


@given(st.lists(manifests(), min_size=1, max_size=4))
def test_any_changes_end_in_a_fresh_compile(steps: list[list[dict[str, Any]]]) -> None:
    store, builder, revision = Store(lambda: None), Builder(INSTALLATION), 0
    for step in steps:
        for body in step:
            revision += 1
            uid = f"{body['kind']}/{body['metadata']['namespace']}/{body['metadata']['name']}"
            store.put(body["kind"], served(body, uid, revision, revision))
        world = builder.build(store.objects())
        fresh = compile_snapshot(parse_objects(each.body for each in store.objects()).resources, INSTALLATION)
        assert world.wire.version == fresh.snapshot.version
        assert world.compilation == fresh


def test_addresses_alone_compile_nothing_again() -> None:
    backend = {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": "ModelBackend",
        "metadata": {"name": "small", "namespace": "ai"},
        "spec": {"model": "small", "endpoints": {"serviceRef": {"name": "small", "port": 8000}}},
    }
    store, builder = Store(lambda: None), Builder(INSTALLATION)
    store.put("ModelBackend", served(backend, "u1"))
    store.put("EndpointSlice", served({**SLICE, "endpoints": [{"addresses": ["10.0.0.1"]}]}, "u2", 2))
    before = builder.build(store.objects())
    store.put("EndpointSlice", served({**SLICE, "endpoints": [{"addresses": ["10.0.0.2"]}]}, "u2", 3))
    after = builder.build(store.objects())
    assert after.compilation is before.compilation
    assert [each.host for each in after.endpoints["ai/small"].endpoints] == ["10.0.0.2"]
    store.delete("EndpointSlice", served(SLICE, "u2", 4))
    gone = builder.build(store.objects())
    assert gone.compilation is not before.compilation
    assert [verdict.resolved_refs.reason for verdict in gone.compilation.verdicts] == ["RefNotFound"]


def test_the_api_servers_own_addresses_are_refused() -> None:
    own = {**SLICE, "metadata": {**SLICE["metadata"], "namespace": "default", "labels": {}}}  # type: ignore[dict-item]
    own["metadata"]["labels"] = {"kubernetes.io/service-name": "kubernetes"}  # type: ignore[index]
    backend = {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": "ModelBackend",
        "metadata": {"name": "sly", "namespace": "ai"},
        "spec": {"model": "small", "endpoints": {"external": {"host": "10.9.9.9"}}},
    }
    store = Store(lambda: None)
    store.put("ModelBackend", served(backend, "u1"))
    store.put("EndpointSlice", served({**own, "endpoints": [{"addresses": ["10.9.9.9"]}]}, "u2"))
    (verdict,) = Builder(INSTALLATION).build(store.objects()).compilation.verdicts
    assert verdict.accepted.reason == "AddressRefused"


def test_client_keys_fail_closed_and_keep_the_last_good() -> None:
    def secret(text: str, revision: int) -> dict[str, Any]:
        metadata = {"name": "keys", "namespace": "pm"}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"keys.yaml": text}}
        return served(body, "u1", revision)

    store, builder = Store(lambda: None), Builder(INSTALLATION, KeysSecret("pm", "keys"))
    assert Builder(INSTALLATION).build(()).keys is None
    missing = builder.build(store.objects())
    assert (missing.keys, len(missing.key_problems)) == (NOBODY, 1)
    good = "keys: [{id: public, anonymous: true, tenant: public}]"
    store.put("Secret", secret(good, 2))
    assert builder.build(store.objects()).keys == good
    store.put("Secret", secret("keys: [{id: k-1, tenant: hunter2}]", 3))
    wrong = builder.build(store.objects())
    assert wrong.keys == good
    assert wrong.key_problems
    assert "hunter2" not in str(wrong.key_problems)
    store.delete("Secret", secret(good, 4))
    assert builder.build(store.objects()).keys == NOBODY


def test_no_secret_shows_in_a_world() -> None:
    secret = {
        "kind": "Secret",
        "metadata": {"name": "key", "namespace": "ai"},
        "stringData": {"token": "hunter2"},
    }
    backend = {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": "ModelBackend",
        "metadata": {"name": "small", "namespace": "ai"},
        "spec": {
            "model": "small",
            "endpoints": {"external": {"host": "api.example.com"}},
            "auth": {"secretKeyRef": {"name": "key", "key": "token"}},
        },
    }
    store = Store(lambda: None)
    store.put("ModelBackend", served(backend, "u1"))
    store.put("Secret", served({"apiVersion": "v1", **secret}, "u2"))
    world = Builder(INSTALLATION).build(store.objects())
    assert list(world.credentials.values()) == ["hunter2"]
    assert "hunter2" not in repr(world)
    assert b"hunter2" not in b"".join(world.wire.bodies.values())
