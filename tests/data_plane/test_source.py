"""What a router takes up from its folder and key file while it runs, and what it keeps when they are wrong."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pointsman_faults.server import FaultServer

from pointsman.core.errors import ConfigError
from pointsman.core.installation import Installation
from pointsman.core.keys import KeyEntry, new_key
from pointsman.core.signals import Classification
from pointsman.core.snapshot import Route
from router_svc.source.folder import Folder
from router_svc.source.loaded import Loaded
from tests.data_plane.test_pipeline import by_route, two
from tests.support.build import backend, policy, refs
from tests.support.router import FixedClassifier, Running, running, served, write

HERE = Installation(allow_loopback=True)
UNACCEPTED = {"models": "Listed"}
"""Overrides that parse, and that a rule refuses: nobody is listed."""


async def answering(router: Running, **fields: Any) -> str | None:
    return (await router.chat(**fields)).headers.get("x-pointsman-backend")


async def dependency(router: Running, name: str) -> dict[str, Any]:
    return (await (await router.get("/readyz")).json())["dependencies"][name]


def said(caplog: pytest.LogCaptureFixture, words: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if words in record.getMessage()]


def reread(source: Folder, folder: Path, *objects: dict[str, Any]) -> Loaded:
    write(folder, objects)
    loaded = source.load()
    assert loaded is not None
    return loaded


def reasons(loaded: Loaded) -> dict[str, str]:
    return {verdict.ref.name: verdict.accepted.reason for verdict in loaded.verdicts}


# objects


async def test_a_policy_that_a_rule_refuses_keeps_its_last_good_version(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        for wrong in (UNACCEPTED, {**UNACCEPTED, "priority": "Free"}):
            await router.rewrite(*two(router.faults, default={"backends": refs("second")}, overrides=wrong))
            assert await answering(router) == "ai/first"
        assert said(caplog, "RoutingPolicy ai/assistant: spec.overrides")
        await router.rewrite(*two(router.faults, default={"backends": refs("second")}))
        assert await answering(router) == "ai/second"


async def test_a_backend_at_a_refused_address_stays_where_it_was(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        moved = {"external": {"host": "models.example.com", "port": 443}}
        _, second, rules = two(router.faults, difficulty=None)
        await router.rewrite(backend("first", endpoints=moved), second, rules)
        assert await answering(router) == "ai/first"


async def test_an_object_that_is_gone_from_the_folder_is_gone(tmp_path: Path) -> None:
    async with running(tmp_path, two, "first", "second") as router:
        await router.rewrite(*two(router.faults, overrides=UNACCEPTED))
        assert await answering(router) == "ai/first"
        await router.rewrite(*two(router.faults)[:2])
        assert (await router.chat()).status == 404
        await router.rewrite(*two(router.faults, overrides=UNACCEPTED))  # nothing is left of it to keep
        assert (await router.chat()).status == 404


def test_without_a_version_before_a_refused_object_is_left_out(tmp_path: Path) -> None:
    first = reread(Folder(tmp_path, HERE), tmp_path, backend("small"), policy(overrides=UNACCEPTED))
    assert (list(first.snapshot.policies), list(first.snapshot.backends)) == ([], ["ai/small"])
    assert reasons(first) == {"small": "Accepted", "assistant": "Invalid"}


def test_verdicts_are_on_what_the_folder_says_now_and_blame_nobody_else(tmp_path: Path) -> None:
    source = Folder(tmp_path, HERE)
    rules = policy(default={"backends": refs("small")})
    good = reread(source, tmp_path, backend("small"), rules)
    refused = backend("small", endpoints={"external": {"host": "models.example.com", "port": 443}})
    kept = reread(source, tmp_path, refused, rules)
    assert kept.snapshot == good.snapshot
    assert reasons(kept) == {"small": "AddressRefused", "assistant": "Accepted"}
    assert {problem.object for problem in kept.problems} == {"ModelBackend ai/small"}


@pytest.mark.parametrize("wrong", [{"nonsense": 1}, {"overrides": UNACCEPTED}], ids=["unknown field", "refused"])
def test_a_kept_object_meets_what_is_new_around_it(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """Parsed or not, the version before is compiled with today's other objects."""
    source, rules = Folder(tmp_path, HERE), {"default": {"backends": refs("small", "large")}}
    reread(source, tmp_path, backend("small"), backend("large"), policy(**rules))
    left = reread(source, tmp_path, backend("large"), policy(**rules, **wrong)).snapshot
    assert left.policies["ai/assistant"].backend_keys() == {"ai/large"}


def test_a_lost_name_is_lost(tmp_path: Path) -> None:
    """The policy is not at fault, so there is nothing of it to put back."""
    source, large = Folder(tmp_path, HERE), backend("large")
    default = {"default": {"backends": refs("large")}}
    reread(source, tmp_path, large, policy("second", **default))
    contested = reread(source, tmp_path, large, policy("first", **default), policy("second", **default))
    assert contested.snapshot.virtual_names["auto"].key == "ai/first"
    assert reasons(contested)["second"] == "Conflicted"


# trouble


async def test_a_trouble_is_shown_as_long_as_it_is_true_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(tmp_path, two, "first", "second") as router:
        before = (tmp_path / "objects.yaml").read_text()
        (tmp_path / "objects.yaml").write_text("{ not yaml")
        for _ in range(3):
            with pytest.raises(ConfigError, match=r"objects\.yaml"):
                await router.router.source.once()
            await router.router.source.look()
            assert (await dependency(router, "source"))["state"] == "Degraded"
            assert "objects.yaml" in (await dependency(router, "source"))["detail"]
        assert len(said(caplog, "stays in force")) == 1
        assert (await (await router.get("/metrics")).text()).count('loads_total{outcome="refused"} 1.0') == 1
        assert await answering(router) == "ai/first"

        (tmp_path / "objects.yaml").write_text(before)
        await router.router.source.look()
        assert (await dependency(router, "source"))["state"] == "Ready"
        assert len(said(caplog, "this is over")) == 1


async def test_an_unreadable_file_at_the_start_is_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """`serve` exits with what is raised; nothing stays in force, and nothing says so."""
    (tmp_path / "more.yaml").write_text("{ not yaml")
    with pytest.raises(ConfigError, match=r"more\.yaml"):
        async with running(tmp_path, two, "first", "second"):
            pass
    assert not said(caplog, "stays in force")


class Flaky(FixedClassifier):
    """Prepares nothing while it is broken."""

    broken = False

    def prepare(self, key: str, routes: Iterable[Route]) -> None:
        if self.broken:
            raise RuntimeError(key)
        super().prepare(key, routes)


async def test_a_failed_adoption_is_tried_again_until_it_succeeds(tmp_path: Path) -> None:
    classifier = Flaky(lambda _: Classification())
    async with running(tmp_path, by_route, "first", "second", classifier=classifier) as router:
        assert await answering(router) == "ai/second"
        classifier.broken = True
        write(tmp_path, by_first(router.faults))
        for _ in range(2):
            with pytest.raises(RuntimeError):
                await router.router.source.once()
            assert "RuntimeError" in (await dependency(router, "source"))["detail"]
            assert await answering(router) == "ai/second"
        classifier.broken = False
        await router.router.source.once()
        assert (await dependency(router, "source"))["state"] == "Ready"
        assert await answering(router) == "ai/first"


def by_first(faults: dict[str, FaultServer]) -> list[dict[str, Any]]:
    return [served(faults["first"], "first"), policy(default={"backends": refs("first")})]


# keys


def write_keys(file: Path, *entries: KeyEntry) -> Path:
    keys = [entry.model_dump(mode="json", by_alias=True, exclude_none=True) for entry in entries]
    file.write_text(yaml.safe_dump({"keys": keys}))
    return file


async def test_a_revoked_key_is_refused_even_while_a_policy_is_unreadable(tmp_path: Path) -> None:
    key, entry = new_key(bytes(range(32)), tenant="free")
    folder = tmp_path / "policies"
    folder.mkdir()
    keys = write_keys(tmp_path / "keys.yaml", entry)
    async with running(folder, two, "first", "second", keys=keys) as router:
        bearer = {"authorization": f"Bearer {key}"}
        assert (await router.chat(headers=bearer)).status == 200
        (folder / "objects.yaml").write_text("{ not yaml")
        write_keys(keys)
        with pytest.raises(ConfigError, match=r"objects\.yaml"):
            await router.router.source.once()
        assert (await router.chat(headers=bearer)).status == 401


async def test_wrong_keys_stop_no_policy_and_have_a_trouble_of_their_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key, entry = new_key(bytes(range(32)), tenant="free")
    folder = tmp_path / "policies"
    folder.mkdir()
    keys = write_keys(tmp_path / "keys.yaml", entry)
    async with running(folder, two, "first", "second", keys=keys) as router:
        keys.write_text("keys: [{}]")
        write(folder, two(router.faults, default={"backends": refs("second")}))
        for _ in range(3):
            with pytest.raises(ConfigError, match=r"keys\.yaml"):
                await router.router.source.once()
            await router.router.source.look()
            assert "keys.yaml" in (await dependency(router, "source"))["detail"]
        assert await answering(router, headers={"authorization": f"Bearer {key}"}) == "ai/second"

        (folder / "objects.yaml").write_text("{ not yaml")
        await router.router.source.look()
        detail = (await dependency(router, "source"))["detail"]
        assert "keys.yaml" in detail and "objects.yaml" in detail
        assert len(said(caplog, "stays in force")) == 2


# nothing


async def test_an_empty_folder_is_said_and_leaves_the_router_unready(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, lambda _: [], "first", "second") as router:
        nothing = f"no usable policy or backend in {tmp_path}"
        assert said(caplog, nothing)
        ready = await router.get("/readyz")
        assert ready.status == 503
        assert nothing in await ready.text()
        assert (await dependency(router, "snapshot"))["state"] == "Lost"
        await router.rewrite(*two(router.faults))
        assert (await router.get("/readyz")).status == 200
        assert await answering(router) == "ai/first"
        await router.rewrite()
        assert (await router.get("/readyz")).status == 503
