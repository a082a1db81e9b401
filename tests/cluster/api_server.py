"""The fast one: a control plane on a loopback address, as anybody, up in seconds."""

from tests.cluster import pins, programs
from tests.cluster.control_plane import ControlPlane
from tests.cluster.slots import Slot
from tests.support.ports import free_ports

# Published as the endpoint of the service `kubernetes`, where loopback is refused. From TEST-NET-1: leads nowhere.
_ADVERTISED = "192.0.2.1"


def prepare() -> None:
    """Builds what is missing; minutes the first time, nothing afterwards."""
    programs.build(pins.API_SERVER)


def start(slot: Slot) -> ControlPlane:
    """Takes a free slot's folder and starts etcd and kube-apiserver in it; `prepare` came before."""
    slot.folder.mkdir(mode=0o700)
    port, clients, peers = free_ports(3)
    plane = ControlPlane(slot, pins.bin_folder(), "127.0.0.1", port, (clients, peers), _ADVERTISED)
    plane.start()
    return plane
