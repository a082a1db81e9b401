import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pointsman.cli.times import point_in_time
from pointsman.core.errors import ConfigError, Unauthenticated
from pointsman.core.keys import digest, parse_keys
from router_svc.identify import Keyring
from tests.cli.conftest import Run

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def test_a_new_key_is_shown_once_and_kept_as_a_hash(pointsman: Run, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    done = pointsman("keys", "create", "--tenant", "free", "--user", "ada", "--models", "auto, small", file)
    key = done.stdout.strip()
    (entry,) = parse_keys(file.read_text()).entries
    assert done.returncode == 0
    assert key.startswith("pm-")
    assert key not in file.read_text()
    assert (entry.hash, entry.tenant, entry.user) == (digest(key), "free", "ada")
    assert entry.rights.models == ("auto", "small")
    assert file.stat().st_mode & 0o777 == 0o600


def test_other_keys_and_comments_stay(pointsman: Run, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    first = json.loads(pointsman("keys", "create", "--json", "--tenant", "free", file).stdout)
    file.write_text("# of the demo\n" + file.read_text() + "  # the last one\n")
    second = json.loads(pointsman("keys", "create", "--json", "--tenant", "paid", "--speak-for-users", file).stdout)
    assert pointsman("keys", "revoke", first["id"], file).returncode == 0
    (entry,) = parse_keys(file.read_text()).entries
    assert entry.id == second["id"]
    assert entry.rights.speak_for_users
    assert "# of the demo" in file.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["keys.yaml"]


def test_the_list_shows_whose_keys_they_are(pointsman: Run, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    key = pointsman("keys", "create", "--tenant", "paid", "--expires", "90d", "--note", "[red]laptop", file).stdout
    shown = pointsman("keys", "list", file).stdout
    (listed,) = json.loads(pointsman("keys", "list", "--json", file).stdout)
    assert "paid" in shown
    assert "valid until" in shown
    assert "[red]laptop" in shown
    assert listed["tenant"] == "paid"
    assert "hash" not in listed
    assert key.strip() not in shown


def test_an_unknown_id_lists_the_known_ones(pointsman: Run, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    made = json.loads(pointsman("keys", "create", "--json", "--tenant", "free", file).stdout)
    done = pointsman("keys", "revoke", "k-nobody", file)
    assert done.returncode == 2
    assert made["id"] in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_file_and_a_wrong_one_are_left_alone(pointsman: Run, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    assert "does not exist" in pointsman("keys", "list", file).stderr
    file.write_text("keys: [{id: a}]\n")
    done = pointsman("keys", "create", "--tenant", "free", file)
    assert done.returncode == 2
    assert done.stdout == ""
    assert file.read_text() == "keys: [{id: a}]\n"


def test_two_writers_at_once_lose_nothing(pointsman: Run, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: pointsman("keys", "create", "--tenant", "free", file).returncode, range(4)))
    assert made == [0] * 4
    assert len(parse_keys(file.read_text()).entries) == 4


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("90d", "2027-01-30T12:00:00Z"),
        ("12h", "2026-11-02T00:00:00Z"),
        ("2027-01-31T01:00:00+01:00", "2027-01-31T00:00:00Z"),
    ],
)
def test_times_are_written_as_people_do(text: str, time: str) -> None:
    assert point_in_time(text, "--expires", NOW) == time


@pytest.mark.parametrize("text", ["tomorrow", "0d", "2027-01-31", "2020-01-01T00:00:00Z"])
def test_times_that_cannot_be_meant_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--expires"):
        point_in_time(text, "--expires", NOW)


def keyring(text: str) -> Keyring:
    parsed = parse_keys(text)
    assert not parsed.problems
    return Keyring(parsed.entries, lambda: 0.0)


def test_an_anonymous_entry_stands_for_requests_without_a_key() -> None:
    ring = keyring("keys: [{id: public, anonymous: true, tenant: public, rights: {models: [auto]}}]")
    for nothing in (None, ""):
        identity = ring.identify(nothing, "eve")
        assert (identity.subject.tenant, identity.subject.user) == ("public", "")
        assert identity.rights.models == ("auto",)
    with pytest.raises(Unauthenticated, match="not known"):
        ring.identify("Bearer pm-unknown")


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ("[{id: a, tenant: t}]", "keys[0].hash"),
        (f"[{{id: a, tenant: t, anonymous: true, hash: '{digest('x')}'}}]", "keys[0].anonymous"),
        ("[{id: a, tenant: t, anonymous: true}, {id: b, tenant: t, anonymous: true}]", "keys[1].anonymous"),
    ],
)
def test_a_forgotten_hash_opens_no_door(entries: str, field: str) -> None:
    parsed = parse_keys(f"keys: {entries}")
    assert [problem.field for problem in parsed.problems] == [field]
    assert parsed.entries == ()
