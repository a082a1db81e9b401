"""The store: late news never wins, a LIST corrects, half an answer is held."""

from typing import Any

from pointsman_operator.store import Store

from tests.control_plane.observed import served


class Counted(Store):
    def __init__(self) -> None:
        self.changes = 0
        super().__init__(self._count_change)

    def _count_change(self) -> None:
        self.changes += 1


def service(name: str, uid: str = "u1", revision: int = 1) -> dict[str, Any]:
    return served({"kind": "Service", "metadata": {"name": name, "namespace": "ai"}, "spec": {}}, uid, revision)


def backend(uid: str = "u1", revision: int = 1, generation: int = 1, **more: Any) -> dict[str, Any]:
    body = {"kind": "ModelBackend", "metadata": {"name": "small", "namespace": "ai"}, "spec": {}}
    return served(body, uid, revision, generation) | more


def endpoint_slice(name: str, uid: str, endpoints: int) -> dict[str, Any]:
    body = {"kind": "EndpointSlice", "metadata": {"name": name, "namespace": "ai"}}
    return served({**body, "endpoints": [{"addresses": [f"10.0.0.{at}"]} for at in range(endpoints)]}, uid)


def names(store: Store) -> list[str]:
    return sorted(each.key[2] for each in store.objects())


def test_an_older_revision_does_not_replace_a_newer_one() -> None:
    store = Counted()
    assert store.put("ModelBackend", backend(revision=5, generation=2))
    assert not store.put("ModelBackend", backend(revision=4, generation=1))
    assert store.objects()[0].body["metadata"]["generation"] == 2
    assert store.changes == 1


def test_a_status_is_kept_but_compiles_nothing() -> None:
    store = Counted()
    store.put("ModelBackend", backend(revision=1))
    store.put("ModelBackend", backend(revision=2, status={"observedGeneration": 1}))
    assert store.changes == 1
    assert store.objects()[0].body["status"] == {"observedGeneration": 1}


def test_a_deletion_does_not_take_the_object_that_came_after() -> None:
    store = Counted()
    store.put("Service", service("small", "new", 7))
    store.delete("Service", service("small", "old", 3))
    assert names(store) == ["small"]
    store.delete("Service", service("small", "new", 8))
    assert names(store) == []


def test_what_lost_its_label_and_got_it_back_is_there_again() -> None:
    store = Counted()
    store.put("Service", service("keys", "u1", 3))
    store.delete("Service", service("keys", "u1", 5))
    assert not store.put("Service", service("keys", "u1", 4))
    assert store.put("Service", service("keys", "u1", 6))
    assert names(store) == ["keys"]


def test_a_list_removes_what_the_watch_missed_and_adds_what_it_lost() -> None:
    store = Counted()
    store.put("Service", service("gone", "u1"))
    store.put("Service", service("stays", "u2"))
    relisted = store.relist("Service", [service("stays", "u2"), service("new", "u3")], store.mark())
    assert (relisted.added, relisted.removed) == (1, 1)
    assert names(store) == ["new", "stays"]
    changes = store.changes
    store.relist("Service", [service("stays", "u2"), service("new", "u3")], store.mark())
    assert store.changes == changes


def test_what_happened_during_a_list_is_newer_than_the_list() -> None:
    store = Counted()
    store.put("Service", service("leaves", "u1"))
    mark = store.mark()
    store.delete("Service", service("leaves", "u1"))
    store.put("Service", service("comes", "u2"))
    store.relist("Service", [service("leaves", "u1")], mark)
    assert names(store) == ["comes"]


def test_a_list_replaces_an_object_that_was_made_anew() -> None:
    store = Counted()
    store.put("Service", service("small", "old", 3))
    store.relist("Service", [service("small", "new", 9)], store.mark())
    assert [each.uid for each in store.objects()] == ["new"]


def test_a_list_that_lacks_most_endpoints_is_held_until_another_agrees() -> None:
    store = Counted()
    for number in range(3):
        store.put("EndpointSlice", endpoint_slice(f"s{number}", f"u{number}", 10))
    left = [endpoint_slice("s0", "u0", 10)]
    assert store.relist("EndpointSlice", left, store.mark()).held == 20
    assert names(store) == ["s0", "s1", "s2"]
    assert store.relist("EndpointSlice", left, store.mark()).removed == 2
    assert names(store) == ["s0"]


def test_watched_deletions_are_never_held() -> None:
    store = Counted()
    for number in range(3):
        store.put("EndpointSlice", endpoint_slice(f"s{number}", f"u{number}", 10))
    for number in range(3):
        store.delete("EndpointSlice", endpoint_slice(f"s{number}", f"u{number}", 10))
    assert names(store) == []


def test_a_few_endpoints_are_never_held() -> None:
    store = Counted()
    store.put("EndpointSlice", endpoint_slice("s0", "u0", 20))
    assert store.relist("EndpointSlice", [], store.mark()).removed == 1
