"""The whole one: control plane, kubelet, containerd, kube-proxy, CoreDNS in their own network namespace. Root."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from string import Template

from tests.cluster import cgroups, daemons, debian, images, network, pins, programs
from tests.cluster.access import Access, responds
from tests.cluster.control_plane import ControlPlane
from tests.cluster.slots import Slot

_NAME = "node1"
_CONTAINERD = "containerd"


@dataclass(frozen=True)
class Node:
    """A running one-node cluster."""

    plane: ControlPlane

    @property
    def access(self) -> Access:
        return self.plane.access

    def load(self, archive: Path) -> None:
        """Gives the node an image that `images.build` saved: there is no registry to pull from."""
        load(self.plane.folder, archive)


def prepare() -> None:
    """Installs, builds and bakes what is missing: a quarter of an hour the first time, nothing afterwards."""
    debian.install_missing()
    programs.build(pins.NODE)
    images.prepare()


def start(slot: Slot) -> Node:
    """Takes a free slot and returns when the node is Ready and names resolve; `prepare` came before."""
    slot.folder.mkdir(mode=0o755)
    (slot.folder / "node").touch()  # tells `down` to look for more than files and processes
    if not Path("/var/lib/kubelet").exists():
        (slot.folder / "first-kubelet").touch()
    network.remove(slot)  # a killed run's last command may have ended after the run was cleared
    network.create(slot)
    plane = _control_plane(slot)
    _start_containerd(plane)  # gets ready meanwhile
    plane.start()
    plane.start_controllers()
    _start_node_programs(plane)
    _wait(plane)
    return Node(plane)


def load(folder: Path, archive: Path) -> None:
    _ctr(folder, "images", "import", str(archive))


def _control_plane(slot: Slot) -> ControlPlane:
    keys = slot.folder / "pki"
    return ControlPlane(
        slot, pins.bin_folder(), slot.node, 6443, (2379, 2380), slot.node, slot.name, cgroups.create(slot.name),
        options=(
            f"--kubelet-client-certificate={keys}/admin.crt",
            f"--kubelet-client-key={keys}/admin.key",
            f"--kubelet-certificate-authority={keys}/ca.crt",
            "--kubelet-preferred-address-types=InternalIP",  # the node's name resolves nowhere: logs and exec need it
        ),
    )  # fmt: skip


def _start_containerd(plane: ControlPlane) -> None:
    # Images in memory: on a busy disk containerd's syncs make a load take four times as long.
    (plane.folder / _CONTAINERD).mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", plane.slot.name, plane.folder / _CONTAINERD], check=True)
    _write(plane.slot, "containerd.toml")
    (plane.folder / "cni").mkdir()
    _write(plane.slot, "cni.conflist", "cni/10-bridge.conflist")
    command = [_CONTAINERD, "--config", f"{plane.folder}/containerd.toml"]
    daemons.start(plane.folder, _CONTAINERD, command, netns=plane.netns, cgroup=plane.cgroup)


def _start_node_programs(plane: ControlPlane) -> None:
    folder, slot = plane.folder, plane.slot
    plane.access.apply(_rendered(slot, "cluster.yaml"))
    plane.identify("kube-scheduler", "/CN=system:kube-scheduler")
    plane.daemon("kube-scheduler", f"--kubeconfig={folder}/kube-scheduler.kubeconfig", "--leader-elect=false")

    plane.identify("kube-proxy", "/CN=system:kube-proxy")
    options = ["--proxy-mode=nftables", f"--cluster-cidr={slot.pods}", f"--hostname-override={_NAME}"]
    plane.daemon("kube-proxy", f"--kubeconfig={folder}/kube-proxy.kubeconfig", "--conntrack-max-per-core=0", *options)

    plane.identify("coredns", "/CN=system:coredns")
    _write(slot, "Corefile")
    plane.daemon("coredns", "-conf", f"{folder}/Corefile")

    daemons.wait(folder, _CONTAINERD, (folder / "containerd.sock").exists)
    load(folder, images.pause())
    plane.identify("kubelet", f"/O=system:nodes/CN=system:node:{_NAME}", [f"IP:{slot.node}", f"DNS:{_NAME}"])
    _write(slot, "kubelet.yaml")
    (folder / "resolv.conf").touch()  # pods find names in the cluster only
    options = [f"--root-dir={folder}/kubelet", f"--hostname-override={_NAME}", f"--node-ip={slot.node}"]
    plane.daemon("kubelet", f"--config={folder}/kubelet.yaml", f"--kubeconfig={folder}/kubelet.kubeconfig", *options)


def _wait(plane: ControlPlane) -> None:
    plane.wait_for_controllers()
    daemons.wait(plane.folder, "kubelet", lambda: _ready(plane.access))
    daemons.wait(plane.folder, "coredns", lambda: responds(f"http://{plane.slot.node}:8181/ready"))


def _ready(access: Access) -> bool:
    result = access.run("kubectl", "get", "node", _NAME, "-o", "json", check=False)
    if result.returncode:
        return False  # it has not registered yet
    conditions = json.loads(result.stdout)["status"].get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _ctr(folder: Path, *arguments: str) -> None:
    command = ["ctr", "--address", f"{folder}/containerd.sock", "--namespace", "k8s.io", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise daemons.DaemonError(f"{' '.join(command)} failed:\n{result.stderr}")


def _write(slot: Slot, template: str, name: str | None = None) -> None:
    (slot.folder / (name or template)).write_text(_rendered(slot, template))


def _rendered(slot: Slot, template: str) -> str:
    values = {
        "folder": slot.folder, "name": slot.name, "node": slot.node, "pods": slot.pods,
        "dns": slot.service(10), "pause": pins.PINS["images"]["pause"],
    }  # fmt: skip
    return Template((pins.HERE / "templates" / template).read_text()).substitute(values)
