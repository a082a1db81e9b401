"""From any content to any other, in messages of any size: a router ends with exactly what was published."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pointsman_operator.content import Held as Known
from pointsman_operator.content import content_of, held_of
from pointsman_operator.stream.delta import updates

from pointsman.v1 import snapshot_stream_pb2 as pb
from router_svc.source.stream.held import NOTHING, Held, Refused, advance, loaded, snapshot_of, subscribe
from tests.control_plane.observed import served, world_of
from tests.control_plane.streams import backend, policy, world
from tests.support.manifests import manifests


def gathered(known: Known, content: Any, limit: int) -> pb.Update:
    whole = pb.Update()
    for update in updates(known, content, limit):
        assert not whole.complete
        whole.MergeFrom(pb.Update.FromString(update.SerializeToString()))
    return whole


def at(epoch: int, sequence: int) -> pb.Position:
    return pb.Position(epoch=epoch, sequence=sequence)


@given(st.lists(manifests(), min_size=1, max_size=4), st.sampled_from([1, 200, 10_000_000]))
def test_every_step_ends_in_what_was_published(steps: list[list[dict[str, Any]]], limit: int) -> None:
    held, known = NOTHING, Known()
    for number, step in enumerate(steps, start=1):
        content = content_of(world_of(served(body, f"uid-{at}") for at, body in enumerate(step)))
        update = gathered(known, content, limit)
        if updates(known, content):
            assert update.complete
            held = advance(held, at(1, number), update)
        known = held_of(content)
        assert held.wire == content.wire or not content.wire.manifest.entries
        assert {key: each.hash for key, each in held.endpoints.items()} == dict(known.endpoints)
        assert loaded(held, snapshot_of(held)).endpoints == {
            key: each.endpoints for key, each in content.endpoints.items()
        }


def test_only_what_changed_is_sent() -> None:
    before = content_of(world(backend("a", "10.0.0.1"), backend("b", "10.0.0.2"), policy("chat", "a")))
    after = content_of(world(backend("a", "10.0.0.1"), backend("b", "10.0.0.3"), policy("chat", "a", "b")))
    (update,) = updates(held_of(before), after)
    assert [each.name.name for each in update.snapshot.changed] == ["chat"]
    assert [each.backend for each in update.endpoints.changed] == ["ai/b"]
    assert not update.HasField("credentials")
    assert updates(held_of(after), after) == []


def test_what_a_router_says_of_itself_lets_it_resume() -> None:
    content = content_of(world(backend("a", "10.0.0.1"), policy("chat", "a")))
    held = advance(NOTHING, at(1, 1), gathered(Known(), content, 10**6))
    said = subscribe(held, "r", "1", frozenset(), ready=True)
    known = Known(
        said.snapshot,
        {(each.name.kind, each.name.namespace, each.name.name): each.hash for each in said.objects},
        dict(said.endpoints),
        said.credentials,
    )
    assert known == held_of(content)


@pytest.mark.parametrize("position", [(1, 1), (1, 2), (0, 9)])
def test_a_router_never_goes_back(position: tuple[int, int]) -> None:
    content = content_of(world(backend("a", "10.0.0.1")))
    held = advance(NOTHING, at(1, 2), gathered(Known(), content, 10**6))
    with pytest.raises(Refused) as refused:
        advance(held, at(*position), pb.Update(complete=True))
    assert refused.value.reason == pb.NACK_REASON_OUT_OF_ORDER


def test_altered_bytes_and_missing_objects_are_refused() -> None:
    content = content_of(world(backend("a", "10.0.0.1"), policy("chat", "a")))
    altered = gathered(Known(), content, 10**6)
    altered.snapshot.changed[0].body += b" "
    with pytest.raises(Refused) as refused:
        advance(NOTHING, at(1, 1), altered)
    assert refused.value.reason == pb.NACK_REASON_HASH_MISMATCH
    missing = gathered(Known(), content, 10**6)
    del missing.snapshot.changed[0]
    with pytest.raises(Refused) as refused:
        advance(NOTHING, at(1, 1), missing)
    assert refused.value.reason == pb.NACK_REASON_MISSING_OBJECT


def test_no_credential_shows() -> None:
    held = Held(credentials={})
    assert "credentials" not in repr(held)
