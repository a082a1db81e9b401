"""Removes a cluster, or what is left of one: every step finds its things by itself and does nothing without them."""

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.cluster import cgroups, daemons, network
from tests.cluster.slots import Slot

_CONTAINER_LOGS = Path("/var/log/containers")  # kubelet's, fixed
_CNI = tuple(Path("/var/lib/cni", name) for name in ("results", "cache/results", "cache", ""))  # innermost first
_SHIMS = Path("/run/containerd/s")
_DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins")


class MountsLeftError(RuntimeError):
    """Something is still mounted inside a cluster's folder, so the folder was not deleted."""


def down(slot: Slot) -> None:
    """Nothing of the cluster remains: processes, mounts, namespaces, control groups, files."""
    daemons.kill_all(slot.folder)
    if (slot.folder / "node").exists():
        cgroups.remove(slot.name)
        traces = outside_traces(slot)
        _unmount(slot.folder)
        network.remove(slot)
        _remove(traces, first_kubelet=(slot.folder / "first-kubelet").exists())
    if left := mounts(slot.folder):
        raise MountsLeftError(f"still mounted, please look at it: {', '.join(left)}")
    shutil.rmtree(slot.folder, ignore_errors=False)


def mounts(folder: Path) -> list[str]:
    """What is mounted inside a folder, innermost first."""
    points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return sorted((point for point in points if point.startswith(f"{folder}/")), reverse=True)


def _unmount(folder: Path) -> None:
    for point in mounts(folder):
        subprocess.run(["umount", "--lazy", point], check=False, capture_output=True)


def outside_traces(slot: Slot) -> list[Path]:
    """Files that kubelet, CNI and containerd's shims write to places which cannot be configured."""
    tasks = list(slot.folder.glob("containerd/state/io.containerd.runtime.v2.task/k8s.io/*"))
    addresses = [task / "address" for task in tasks if (task / "address").exists()]  # of the shims' sockets
    traces = [Path(address.read_text().strip().removeprefix("unix://")) for address in addresses]
    for folder in _CNI:
        traces += folder.glob(f"{slot.name}-*")
        traces += [file for task in tasks for file in folder.glob(f"*-{task.name}-*")]  # CNI's loopback has one name
    links = [link for link in _CONTAINER_LOGS.glob("*.log") if link.is_symlink()]
    return traces + [link for link in links if link.readlink().is_relative_to(slot.folder)]


def _remove(traces: list[Path], *, first_kubelet: bool) -> None:
    for trace in traces:
        trace.unlink(missing_ok=True)
    if first_kubelet:  # /var/lib/kubelet was not there before
        shutil.rmtree(_DEVICE_PLUGINS, ignore_errors=True)
    for folder in (*_CNI, _CONTAINER_LOGS, _DEVICE_PLUGINS, _DEVICE_PLUGINS.parent, _SHIMS):
        with suppress(OSError):  # somebody else's things are in it, or it was never there
            folder.rmdir()
