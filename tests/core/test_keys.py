"""Keys and their file."""

import hashlib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.errors import ConfigError
from pointsman.core.key_file import add_entry, remove_entry
from pointsman.core.keys import KeyEntry, KeyRights, digest, new_key, parse_keys

ALL_RIGHTS = KeyRights(models=("auto", "small"), speak_for_users=True)


def made(number: int, **fields: object) -> KeyEntry:
    return new_key(bytes([number]) * 32, **{"tenant": "free", **fields})[1]  # type: ignore[arg-type]


def file_of(*entries: KeyEntry) -> str:
    text = ""
    for entry in entries:
        text = add_entry(text, entry)
    return text


def test_a_key_is_recognisable_and_only_its_hash_is_kept() -> None:
    key, entry = new_key(bytes(range(32)), tenant="free")
    assert key.startswith("pm-")
    assert len(key) == 46
    assert entry.hash == "sha256:" + hashlib.sha256(key.encode()).hexdigest() == digest(key)
    assert key not in file_of(entry)
    assert made(1).id != made(2).id


@pytest.mark.parametrize("random", [b"", b"x" * 31, b"x" * 33])
def test_too_little_or_too_much_chance_is_refused(random: bytes) -> None:
    with pytest.raises(ConfigError, match="32 random bytes"):
        new_key(random, tenant="free")


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"tenant": ""}, "tenant"),
        ({"expires": "tomorrow"}, "expires"),
        ({"expires": "2027-02-30T00:00:00Z"}, "expires"),
    ],
)
def test_what_cannot_be_kept_is_named(fields: dict[str, str], names: str) -> None:
    with pytest.raises(ConfigError, match=f"^{names}: "):
        made(1, **fields)


def test_the_file_reads_back() -> None:
    entries = (
        made(1),
        made(2, user="ada", rights=ALL_RIGHTS, expires="2027-01-01T00:00:00Z"),
        made(3, tenant="it's: # odd", note="two\nlines ü"),
    )
    assert parse_keys(file_of(*entries)).entries == entries


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_words_read_back(user: str, note: str) -> None:
    try:
        text = file_of(entry := made(1, user=user, note=note))
    except ConfigError:
        return  # characters that YAML has no room for
    assert parse_keys(text).entries == (entry,)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "keys: []\n", "keys:\n"])
def test_a_file_without_keys_lets_nobody_in_and_takes_the_first(text: str) -> None:
    assert parse_keys(text) == parse_keys("")
    added = add_entry(text, made(1))
    assert parse_keys(added).entries == (made(1),)
    assert text.strip("keys: []\n") in added


KEPT = """# our keys
keys:
  # the demo
  - id: k-demo
    hash: sha256:{0}   # shown once
    tenant: demo

  - hash: sha256:{1}
    id: k-other
    tenant: paid
# the end
"""


def test_other_lines_stay_as_they_are() -> None:
    text = KEPT.format("a" * 64, "b" * 64)
    added = add_entry(text, made(1))
    assert [line for line in added.splitlines() if line in text.splitlines()] == text.splitlines()
    assert [entry.id for entry in parse_keys(added).entries] == ["k-demo", "k-other", made(1).id]
    assert remove_entry(added, made(1).id) == text
    left = remove_entry(text, "k-other")
    assert "# the demo" in left
    assert "# the end" in left
    assert [entry.id for entry in parse_keys(left).entries] == ["k-demo"]


@given(st.permutations(range(1, 5)))
def test_keys_can_be_removed_in_any_order(order: list[int]) -> None:
    text = file_of(*(made(number) for number in range(1, 5)))
    left = {made(number).id for number in range(1, 5)}
    for number in order:
        text = remove_entry(text, made(number).id)
        left.remove(made(number).id)
        assert {entry.id for entry in parse_keys(text).entries} == left


def test_a_key_is_added_once_and_removed_only_if_there() -> None:
    with pytest.raises(ConfigError, match="earlier key"):
        file_of(made(1), made(1))
    with pytest.raises(ConfigError, match=f"known ids: {made(1).id}"):
        remove_entry(file_of(made(1)), "k-unknown")


def test_a_file_that_cannot_be_edited_in_place_says_why() -> None:
    flow = yaml.safe_dump({"keys": [made(1).model_dump(mode="json")]}, default_flow_style=True)
    assert parse_keys(flow).entries == (made(1),)
    with pytest.raises(ConfigError, match="brackets"):
        add_entry(flow, made(2))
    with pytest.raises(ConfigError, match="left as it is"):
        add_entry("keys: 5", made(2))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("keys: 5", "keys"),
        ("other: 1", "other"),
        ("[]", ""),
        ("keys: [", ""),
        ("keys: []\n---\nkeys: []", ""),
        ("keys: []\nkeys: []", "keys"),
        ("keys: [{id: k, tenant: t, hash: pm-s3cret}]", "keys[0].hash"),
        ("keys: [{id: k, tenant: t, hash: sha256:%s, s3cret: 1}]" % ("a" * 64), "keys[0].s3cret"),
        ("keys: [{id: K, tenant: t, hash: sha256:%s}]" % ("a" * 64), "keys[0].id"),
        ("keys: [{id: k, tenant: t, hash: sha256:%s, expires: 2027-02-30T00:00:00Z}]" % ("a" * 64), "keys[0].expires"),
    ],
)
def test_problems_are_named_without_values(text: str, field: str) -> None:
    parsed = parse_keys(text, "keys.yaml")
    assert parsed.entries == ()
    assert field in [problem.field for problem in parsed.problems]
    for problem in parsed.problems:
        assert problem.file == "keys.yaml"
        assert "pm-s3cret" not in str(problem)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    parse_keys(text)


def test_one_entry_may_stand_for_requests_without_a_key() -> None:
    anonymous = KeyEntry(id="public", anonymous=True, tenant="public")
    text = add_entry(file_of(made(1)), anonymous)
    assert parse_keys(text).entries == (made(1), anonymous)
    other = anonymous.model_copy(update={"id": "other"})
    for wrong in (other, made(2).model_copy(update={"anonymous": True}), made(2).model_copy(update={"hash": ""})):
        with pytest.raises(ConfigError):
            add_entry(text, wrong)
