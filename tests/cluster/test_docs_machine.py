"""`make cluster` and what belongs to it, as the documents show it; skipped where somebody's own cluster is up."""

import os
from pathlib import Path

import pytest

from tests.cluster import capabilities, pins, slots
from tests.cluster.fixtures import Cluster
from tests.support.consoles import Terminal, commands, workspace

HARNESS = Path(__file__).parent / "image"


def test_a_cluster_for_a_person(cluster: Cluster, tmp_path: Path) -> None:
    """`cluster` is only waited for: what it needs is built by then."""
    if cluster.node is None or capabilities.missing_for_node():
        pytest.skip("your own cluster is tested")
    if slots.kept():
        pytest.skip("`make cluster` is in use: this test would remove it")
    page = commands("docs/development-cluster.md")
    up, load_ours, build, load, down = (
        next(each for each in page if words in each.text)
        for words in ('eval "$(make', "cluster-images", " image ", " load ", "cluster-down")
    )
    [short] = [each for each in commands("README.md", "In a cluster") if "eval" in each.text]
    assert short.bare == f"{up.bare} && {load_ours.bare.removeprefix('$ ')}"
    assert [each.bare for each in commands("docs/install.md", "Without Docker")] == [up.bare, load_ours.bare]
    # make's own PATH names the programs of the tests' cluster; a person has none
    ours = {"POINTSMAN_CLUSTER_WHILE": str(os.getpid())}  # a run that is killed leaves nobody's cluster
    with Terminal(workspace(tmp_path / "pointsman"), {"FOLDER": str(HARNESS)}, ours) as terminal:
        try:
            terminal.run(up, 300)
            assert str(pins.bin_folder()) in terminal.run("command -v kubectl")
            assert "Ready" in terminal.run("kubectl get nodes")
            terminal.run(load_ours, 500)
            file = terminal.run(build, 120).splitlines()[-1]
            terminal.run(load._replace(text=load.text.replace("FILE", file)))
            images = terminal.run("kubectl get node -o jsonpath='{.items[*].status.images[*].names}'")
            assert images
        finally:
            terminal.run(down, 120)
        assert slots.kept() is None
