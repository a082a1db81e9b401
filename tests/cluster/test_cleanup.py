"""Nothing of a cluster stays, even when the run that made it was killed; and one cluster leaves another alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import cgroups, network, pins, slots
from tests.cluster.access import Access
from tests.cluster.daemons import running
from tests.cluster.down import down, mounts, outside_traces
from tests.cluster.fixtures import ApiServer, Cluster
from tests.cluster.slots import Slot

_KILLED_RUN = """
import os, signal
from tests.cluster import {module}, slots
slot, _ = slots.claim()
print(slot.number, flush=True)
{module}.start(slot)
os.kill(os.getpid(), signal.SIGKILL)
"""
_POD = """
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "left", "namespace": "default"},
 "spec": {"containers": [{"name": "main", "image": "localhost/pause:1", "imagePullPolicy": "Never"}]}}
"""


def test_a_killed_api_server_is_cleared_by_the_next_run(api_server: ApiServer) -> None:
    if api_server.plane is None:
        pytest.skip("a user's cluster")
    slot = killed_run("api_server")
    assert {name for _, name in processes_of(slot)} == {"etcd", "kube-apiserver"}
    list(slots.sweep(down))
    assert traces(slot) == []
    api_server.access.kubectl("get", "namespaces")  # this run's own is untouched


def test_a_killed_node_with_a_pod_is_cleared_by_the_next_run(cluster: Cluster) -> None:
    if cluster.node is None:
        pytest.skip("a user's cluster")
    slot = killed_run("node")
    access = Access(slot.folder / "admin.kubeconfig", pins.bin_folder())
    access.apply(_POD)
    access.kubectl("wait", "pod/left", "--for=condition=Ready", "--timeout=60s")
    pids, files = cgroups.processes(slot.name), outside_traces(slot)
    assert len(pids) > 8
    assert mounts(slot.folder)
    assert len(files) >= 4  # sockets, CNI's results, the link to a log

    list(slots.sweep(down))
    assert traces(slot) == []
    assert [pid for pid in pids if running(pid)] == []
    assert [file for file in files if file.exists() or file.is_symlink()] == []
    cluster.access.kubectl("get", "nodes")


def test_a_persons_cluster_stays_and_that_of_a_killed_test_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "BASE", tmp_path)
    with subprocess.Popen(["true"]) as ended:
        pass
    for number, process in enumerate(("", str(os.getpid()), str(ended.pid))):
        monkeypatch.setenv("POINTSMAN_CLUSTER_WHILE", process)
        Slot(number).folder.mkdir()
        Slot(number).keep()
    assert [slot.number for slot in slots.sweep(down)] == [2]
    assert [slot.number for slot in map(Slot, range(3)) if slot.folder.exists()] == [0, 1]
    assert slots.kept() == Slot(0)


def killed_run(module: str) -> Slot:
    """Starts a cluster in a process of its own that ends by kill -9 when the cluster is up."""
    command = [sys.executable, "-c", _KILLED_RUN.format(module=module)]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=120, check=False)
    assert result.returncode == -9
    return Slot(int(result.stdout))


def processes_of(slot: Slot) -> list[tuple[int, str]]:
    """Everything that was started for a slot, by its environment or its command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = process.joinpath("environ").read_bytes() + process.joinpath("cmdline").read_bytes()
            name = process.joinpath("exe").readlink().name
        except OSError:
            continue  # it ended, or is the kernel's
        if f"{slot.folder}/".encode() in words or f"={slot.folder}\0".encode() in words:
            found.append((int(process.name), pins_name(name)))
    return found


def pins_name(program: str) -> str:
    """kube-apiserver-v1.36.3-0123456789ab → kube-apiserver."""
    return program.rpartition("-v")[0] or program


def traces(slot: Slot) -> list[str]:
    """What is still on this machine of a slot."""
    left = [f"process {name}" for _, name in processes_of(slot)]
    left += [f"mount {point}" for point in mounts(slot.folder)]
    left += [f"control group in {path}" for path in cgroups.hierarchies() if (path / slot.name).exists()]
    paths = [slot.folder, network.namespace(slot), Path("/sys/class/net", slot.link)]
    left += [str(path) for path in paths if path.exists()]
    return left
