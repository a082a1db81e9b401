"""Whatever is compiled: order never matters, nothing is lost on the way, and a broken object harms only itself."""

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core import canonical, wire
from pointsman.core.compile import Compilation, compile_snapshot
from pointsman.core.parse import parse, parse_objects
from tests.support.manifests import Body, broken, key, manifests, shuffled


def compiled(bodies: list[Body]) -> Compilation:
    return compile_snapshot(parse_objects(bodies).resources)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), bodies=manifests())
def test_order_of_objects_and_of_keys_changes_nothing(data: st.DataObject, bodies: list[Body]) -> None:
    other = [data.draw(shuffled(body)) for body in data.draw(st.permutations(bodies))]
    text = yaml.safe_dump_all(other, sort_keys=False, allow_unicode=data.draw(st.booleans()))
    assert compile_snapshot(parse({"any.yaml": text}).resources) == compiled(bodies)


@settings(max_examples=60, deadline=None)
@given(bodies=manifests())
def test_every_object_has_one_verdict_and_valid_ones_are_accepted_or_conflict(bodies: list[Body]) -> None:
    verdicts = compiled(bodies).verdicts
    assert sorted(str(verdict.ref) for verdict in verdicts) == sorted(f"{k} {ns}/{n}" for k, ns, n in map(key, bodies))
    assert {verdict.accepted.reason for verdict in verdicts} <= {"Accepted", "Conflicted"}


@settings(max_examples=60, deadline=None)
@given(bodies=manifests())
def test_names_are_unique_after_compilation(bodies: list[Body]) -> None:
    snapshot = compiled(bodies).snapshot
    virtual = [name for policy in snapshot.policies.values() for name in policy.virtual_models]
    other = [name for backend in snapshot.backends.values() for name in backend.aliases]
    other += [old.name for backend in snapshot.backends.values() for old in backend.replaces]
    assert len(virtual) == len(set(virtual))
    assert len(other) == len(set(other))
    for policy in snapshot.policies.values():
        assert policy.backend_keys() <= set(snapshot.backends)
        assert bool(policy.problem) is not bool(policy.backend_keys())


@settings(max_examples=60, deadline=None)
@given(bodies=manifests())
def test_wire_form_loses_nothing(bodies: list[Body]) -> None:
    snapshot = compiled(bodies).snapshot
    form = wire.encode(snapshot)
    again = wire.decode(wire.loads(wire.dumps(form)))
    assert again == snapshot
    assert wire.encode(again) == form
    assert form.version == snapshot.version
    for entry in form.manifest.entries:
        assert canonical.digest(form.bodies[entry.hash]) == entry.hash


@settings(max_examples=100, deadline=None)
@given(data=st.data(), bodies=manifests(1))
def test_a_broken_object_changes_others_only_by_its_absence(data: st.DataObject, bodies: list[Body]) -> None:
    index = data.draw(st.integers(0, len(bodies) - 1))
    bad = data.draw(broken(bodies[index]))
    rest = bodies[:index] + bodies[index + 1 :]
    both, alone = compiled([*rest, bad]), compiled(rest)
    name = f"{bad['kind']} {bad['metadata']['namespace']}/{bad['metadata']['name']}"
    verdict = next(verdict for verdict in both.verdicts if str(verdict.ref) == name)
    if verdict.accepted.reason == "Invalid":
        # the reason why a policy has nobody left is worded after what became of the backend, so only that may differ
        assert both.snapshot.backends == alone.snapshot.backends
        assert both.snapshot.policies.keys() == alone.snapshot.policies.keys()
        for policy, other in zip(both.snapshot.policies.values(), alone.snapshot.policies.values(), strict=True):
            assert policy == other or (policy.problem and other.problem)
        assert len(both.verdicts) == len(alone.verdicts) + 1
