"""A memo saves a compilation time and changes nothing else: the result is that of a fresh one, whatever came before."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core import wire
from pointsman.core.compile import Claim, Installation, compile_snapshot
from pointsman.core.endpoints import resolve_endpoints
from pointsman.core.inventory import Resources
from pointsman.core.memo import Memo
from pointsman.core.parse import parse_objects
from tests.support.manifests import NAMES, NAMESPACES, Body, broken, key, manifests

INSTALLATIONS = st.sampled_from(
    [
        Installation(),
        Installation(claims=(Claim("auto", ("ai",)),)),
        Installation(sees_cluster=False, api_server=("10.0.0.1",)),
    ]
)


def _named(kind: str, api: str, rest: st.SearchStrategy[Body]) -> st.SearchStrategy[Body]:
    metadata = st.fixed_dictionaries({"name": NAMES, "namespace": NAMESPACES})
    return st.builds(lambda meta, more: {"apiVersion": api, "kind": kind, "metadata": meta, **more}, metadata, rest)


def services() -> st.SearchStrategy[Body]:
    ports = st.lists(st.fixed_dictionaries({"port": st.sampled_from([80, 8000])}), min_size=1, max_size=1)
    kinds = st.sampled_from(["ClusterIP", "ExternalName"])
    return _named(
        "Service", "v1", st.fixed_dictionaries({"spec": st.fixed_dictionaries({"type": kinds, "ports": ports})})
    )


def slices() -> st.SearchStrategy[Body]:
    addresses = st.lists(st.sampled_from(["10.0.0.1", "10.0.0.2", "169.254.169.254"]), min_size=1, max_size=2)
    endpoint = st.fixed_dictionaries({"addresses": addresses})
    rest = st.fixed_dictionaries(
        {
            "addressType": st.just("IPv4"),
            "ports": st.just([{"name": "", "port": 80}]),
            "endpoints": st.lists(endpoint, max_size=2),
        }
    )

    def labelled(body: Body) -> Body:
        body["metadata"]["labels"] = {"kubernetes.io/service-name": body["metadata"]["name"]}
        return body

    return _named("EndpointSlice", "discovery.k8s.io/v1", rest).map(labelled)


def grants() -> st.SearchStrategy[Body]:
    of = st.fixed_dictionaries(
        {
            "from": st.lists(
                st.fixed_dictionaries(
                    {
                        "group": st.just("pointsman.dev"),
                        "kind": st.sampled_from(["RoutingPolicy", "ModelBackend"]),
                        "namespace": NAMESPACES,
                    }
                ),
                min_size=1,
                max_size=1,
            ),
            "to": st.sampled_from(
                [[{"group": "pointsman.dev", "kind": "ModelBackend"}], [{"group": "", "kind": "Service"}]]
            ),
        }
    )
    return _named("ReferenceGrant", "gateway.networking.k8s.io/v1beta1", st.fixed_dictionaries({"spec": of}))


def clusters() -> st.SearchStrategy[list[Body]]:
    around = st.lists(st.one_of(services(), slices(), grants()), max_size=6, unique_by=key)
    return st.builds(lambda ours, others: [*ours, *others], manifests(), around)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), first=clusters())
def test_any_edits_end_in_what_a_fresh_compile_gives(data: st.DataObject, first: list[Body]) -> None:
    memo, resolving = Memo(), Memo()
    known: dict[Any, Resources] = {}
    objects = {key(body): body for body in first}
    for _ in range(data.draw(st.integers(1, 4), "edits")):
        installation = data.draw(INSTALLATIONS)
        parts = []
        for name, body in objects.items():
            text = repr((name, body))  # what did not change is the very same value, as in the operator
            known[text] = known.get(text) or parse_objects([body]).resources
            parts.append(known[text])
        resources = _merged(parts)
        compilation = compile_snapshot(resources, installation, memo)
        fresh = compile_snapshot(resources, installation)
        assert compilation == fresh
        assert wire.dumps(wire.encode(compilation.snapshot, memo)) == wire.dumps(wire.encode(fresh.snapshot))
        around = (fresh.snapshot.backends, resources.services, resources.slices, installation)
        assert resolve_endpoints(*around, resolving) == resolve_endpoints(*around)
        objects = data.draw(_edited(objects))


def _merged(parts: list[Resources]) -> Resources:
    names = Resources.__struct_fields__
    return Resources(**{name: tuple(each for part in parts for each in getattr(part, name)) for name in names})


@st.composite
def _edited(draw: st.DrawFn, objects: dict[Any, Body]) -> dict[Any, Body]:
    """Some taken away, some broken, some added or replaced."""
    kept = {name: body for name, body in objects.items() if draw(st.integers(0, 3))}
    ours = [name for name in kept if name[0] in ("ModelBackend", "RoutingPolicy")]
    if ours and draw(st.booleans()):
        name = draw(st.sampled_from(ours))
        kept[name] = draw(broken(kept[name]))
    return kept | {key(body): body for body in draw(clusters())[:3]}


def _backend(name: str, **spec: Any) -> Body:
    return {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": "ModelBackend",
        "metadata": {"name": name, "namespace": "ai", "labels": spec.pop("labels", {})},
        "spec": {"model": "m", "endpoints": {"serviceRef": {"name": name, "port": 80}}, **spec},
    }


def _policy(name: str, **spec: Any) -> Body:
    return {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": "RoutingPolicy",
        "metadata": {"name": name, "namespace": "ai"},
        "spec": {"virtualModels": [name], **spec},
    }


def test_a_policy_is_compiled_again_only_for_what_it_depends_on() -> None:
    chat = parse_objects([_policy("chat", default={"backendSelector": {"matchLabels": {"tier": "a"}}})]).resources
    memo = Memo()

    def compiled(*backends: Body) -> Any:
        return compile_snapshot(_merged([parse_objects(backends).resources, chat]), Installation(), memo).snapshot

    first = compiled(_backend("small", labels={"tier": "a"})).policies["ai/chat"]
    dearer = compiled(_backend("small", labels={"tier": "a"}, pricing={"input": "3"}))
    assert dearer.policies["ai/chat"] is first
    assert dearer.backends["ai/small"].input_price > 0
    assert compiled(_backend("small", labels={"tier": "b"})).policies["ai/chat"].problem
    assert compiled(_backend("small", labels={"tier": "a"})).policies["ai/chat"] == first


def test_a_memo_forgets_what_is_gone() -> None:
    memo, asked = Memo(), []

    def compute(value: int) -> int:
        asked.append(value)
        return value

    memo("a", compute, 1)
    memo.turn()
    memo("a", compute, 1)
    assert asked == [1]
    memo.turn()
    memo.turn()
    memo("a", compute, 1)
    assert asked == [1, 1]
    memo("a", compute, 2)
    assert memo("a", compute, 2) == 2
    assert asked == [1, 1, 2]
