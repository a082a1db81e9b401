"""A snapshot that was altered, cut short or made for another version is refused; unknown fields are not."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core import wire
from pointsman.core.canonical import Entry, Manifest, digest, seal
from pointsman.core.errors import SnapshotError, UnknownFeature
from pointsman.core.features import FEATURES
from pointsman.core.snapshot import Backend, Limits, Policy, Route

SNAPSHOT = seal(
    [Backend(namespace="ai", name="small", model="klein", labels={"b": "ü", "a": "1"}, limits=Limits(concurrency=1))],
    [Policy(namespace="ai", name="assistant", virtual_models=("auto",), default=Route(name="default"))],
)
WIRE = wire.encode(SNAPSHOT)


def altered(change: dict[str, object]) -> wire.Wire:
    """The same snapshot with a backend that has other fields, properly hashed."""
    old = next(entry for entry in WIRE.manifest.entries if entry.kind == "ModelBackend")
    data = json.dumps(json.loads(WIRE.bodies[old.hash]) | change).encode()
    entries = [msgspec.structs.replace(old, hash=digest(data)), *(e for e in WIRE.manifest.entries if e is not old)]
    return wire.Wire(Manifest(WIRE.manifest.features, tuple(entries)), {**WIRE.bodies, digest(data): data})


def test_defaults_and_order_of_construction_do_not_matter() -> None:
    same = seal(
        [
            Backend(
                namespace="ai",
                name="small",
                model="klein",
                labels={"a": "1", "b": "ü"},
                limits=Limits(concurrency=1, tokens_per_day=None),
                operations=frozenset([]),
                context_tokens=None,
            )
        ],
        list(SNAPSHOT.policies.values()),
    )
    assert same == SNAPSHOT


def test_a_feature_that_is_lacking_refuses_the_snapshot() -> None:
    assert SNAPSHOT.features == {"limits"}
    with pytest.raises(UnknownFeature, match="limits"):
        wire.decode(WIRE, FEATURES - {"limits"})


def test_unknown_fields_and_kinds_are_ignored() -> None:
    newer = altered({"invented": {"later": [1, 2]}})
    more = Manifest(newer.manifest.features, (*newer.manifest.entries, Entry("Hedge", "ai", "x", "0" * 64)))
    decoded = wire.decode(wire.Wire(more, newer.bodies))
    assert decoded.backends == SNAPSHOT.backends
    assert decoded.version != SNAPSHOT.version


@pytest.mark.parametrize("change", [{"model": 5}, {"name": "other"}])
def test_a_body_that_does_not_fit_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SnapshotError, match="ai/small"):
        wire.decode(altered(change))


def test_a_missing_or_altered_body_is_refused() -> None:
    with pytest.raises(SnapshotError, match="missing"):
        wire.decode(wire.Wire(WIRE.manifest, {}))
    with pytest.raises(SnapshotError, match="hash"):
        wire.decode(wire.Wire(WIRE.manifest, dict.fromkeys(WIRE.bodies, b"{}")))


@given(st.data())
def test_a_damaged_file_is_refused(data: st.DataObject) -> None:
    file = wire.dumps(WIRE)
    at = data.draw(st.integers(0, len(file) - 1))
    flipped = file[:at] + bytes([file[at] ^ 1 << data.draw(st.integers(0, 7))]) + file[at + 1 :]
    for damaged in (flipped, file[:at], file + b"\0"):
        with pytest.raises(SnapshotError):
            wire.loads(damaged)
    assert wire.loads(file) == WIRE
