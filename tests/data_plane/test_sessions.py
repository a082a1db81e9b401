"""Session keys tell conversations apart and nothing about them; the store forgets."""

import hmac
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.request import Subject, Turn
from pointsman.core.resources.policy import SessionKey
from pointsman.core.snapshot import SessionRules
from pointsman.core.state import SessionState
from router_svc.sessions import SessionStore, session_key
from tests.support.clock import ManualClock

AUTO = SessionRules(key=SessionKey.AUTO)
HEADER = SessionRules(key=SessionKey.HEADER)
ANN = Subject("acme", "ann", "key-1")
SECRET = b"shared among the routers"
TALK = (Turn("system", "Be brief."), Turn("user", "What is a pointsman?"))


def key(
    *,
    secret: bytes = SECRET,
    subject: Subject = ANN,
    rules: SessionRules = AUTO,
    header: str | None = None,
    turns: tuple[Turn, ...] = TALK,
    tools: bytes = b"",
) -> str:
    return session_key(secret, subject, rules, header, turns, tools)


def test_a_conversation_keeps_its_key_as_it_goes_on():
    later = (*TALK, Turn("assistant", "A railway worker."), Turn("user", "Why?"), Turn("system", "Be kind."))
    assert key() == key(turns=later)


def test_everything_that_begins_a_conversation_is_part_of_its_key():
    keys = [
        key(),
        key(secret=b"another"),
        key(subject=Subject("acme", "bob", "key-1")),
        key(subject=Subject("other", "ann", "key-1")),
        key(subject=Subject("acme", "ann", "key-2")),
        key(header="abc"),
        key(tools=b"\x01" * 32),
        key(turns=(TALK[1],)),
        key(turns=(Turn("developer", "Be long."), TALK[1])),
        key(turns=(TALK[0], Turn("user", "What is a pointswoman?"))),
    ]
    assert len(set(keys)) == len(keys)
    assert all(len(one) == 64 and int(one, 16) for one in keys)


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3), st.text(max_size=3)), max_size=6, unique=True))
def test_names_that_read_alike_side_by_side_stay_apart(names: list[tuple[str, str, str]]):
    keys = [key(subject=Subject(*parts)) for parts in names]
    assert all(one != other for one, other in combinations(keys, 2))


def test_a_header_comes_before_what_was_said():
    assert key(header="abc") == key(header="abc", turns=(), tools=b"x") == key(header="abc", rules=HEADER)


def test_a_header_does_not_open_anothers_session():
    assert key(header="abc") != key(header="abc", subject=Subject("acme", "bob", "key-1"))


def test_a_header_in_another_encoding_is_a_key_like_any_other():
    assert len(key(header=b"caf\xe9".decode("utf-8", "surrogateescape"))) == 64


@pytest.mark.parametrize("header", [None, ""])
def test_nothing_to_key_on_is_no_session(header: str | None):
    assert key(rules=HEADER, header=header) == ""
    assert key(turns=(Turn("system", "Be brief."),), header=header) == ""
    assert key(turns=(Turn("user", ""),), header=header) == ""  # an image without words would match every other


def test_the_key_is_a_keyed_hash_of_its_parts():
    parts = [b"acme", b"ann", b"key-1", b"header", b"abc"]
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    assert key(header="abc") == hmac.digest(SECRET, message, "sha256").hex()


def state(backend: str) -> SessionState:
    return SessionState("code", None, backend, 100)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_the_last_turn_is_remembered(clock: ManualClock):
    store = SessionStore(clock)
    store.put("a", state("first"))
    store.put("a", state("second"))
    assert store.get("a", idle=60) == state("second")
    assert store.get("b", idle=60) is None
    assert len(store) == 1


def test_an_idle_conversation_is_forgotten(clock: ManualClock):
    store = SessionStore(clock)
    store.put("a", state("first"))
    clock.now += 60
    assert store.get("a", idle=60) is not None
    clock.now += 1  # to ask is not to answer: only a turn makes it young again
    assert store.get("a", idle=60) is None
    assert len(store) == 0


def test_the_least_recently_used_goes_first(clock: ManualClock):
    store = SessionStore(clock, capacity=2)
    store.put("a", state("first"))
    store.put("b", state("first"))
    assert store.get("a", idle=60)
    store.put("c", state("first"))
    assert len(store) == 2
    assert store.get("b", idle=60) is None
    assert store.get("a", idle=60)


def test_memory_is_bounded(clock: ManualClock):
    store = SessionStore(clock, capacity=1_000)
    for number in range(10_000):
        store.put(str(number), state("first"))
    assert len(store) == 1_000


def test_nobody_has_the_empty_key(clock: ManualClock):
    store = SessionStore(clock)
    store.put("", state("first"))
    assert store.get("", idle=60) is None
    assert len(store) == 0
