"""The store of images does not grow for ever: what killed builds left goes, and all of it once there are too many."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import images
from tests.cluster.down import mounts
from tests.cluster.fixtures import Cluster


@pytest.fixture
def store(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty store of its own, on a machine that can have a cluster."""
    if cluster.node is None:
        pytest.skip("a user's cluster")
    monkeypatch.setattr(images, "_FOLDER", tmp_path)
    yield tmp_path
    for point in mounts(tmp_path):
        subprocess.run(["umount", "--lazy", point], check=True)


def test_a_killed_builds_containers_are_removed_and_images_stay(store: Path) -> None:
    _image(store, "one")
    images._buildah("from", "scratch")
    images._clean()
    assert _names("containers", "--quiet") == []
    assert len(_names("images", "--all", "--quiet")) == 1


def test_a_store_that_has_grown_large_is_emptied(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(images, "_MOST_LAYERS", 1)
    for name in ("one", "two"):
        _image(store, name)
    images._clean()
    assert _names("images", "--all", "--quiet") == []
    assert "2 layers of earlier builds" in capsys.readouterr().err
    assert list((store / "graph/overlay-images").glob("*/manifest")) == []


def _image(store: Path, name: str) -> None:
    root = store / name
    root.mkdir()
    (root / "file").write_text(name)
    images._from_scratch(f"localhost/{name}:1", root, [])


def _names(*listing: str) -> list[str]:
    return images._buildah(*listing).split()
