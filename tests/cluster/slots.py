"""Where a cluster lives: its folder, names and addresses, all from one number, so that several can run at once.

A test run holds its slot's lock until it ends; a person's cluster is marked as kept. So a folder that is neither
locked nor kept was left behind by a run that was killed, and whoever comes next clears it. The test of a person's
cluster has it kept only while its own process is there: POINTSMAN_CLUSTER_WHILE is its pid.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.files import try_lock

BASE = Path(f"/var/tmp/pointsman-cluster-{os.getuid()}")  # kubelet and containerd need a real disk
COUNT = 32


class NoSlotError(RuntimeError):
    """Every slot is taken; the message says by whom to look."""


@dataclass(frozen=True)
class Slot:
    """One place for a cluster. A control plane alone uses only the folder; a node uses the rest as well."""

    number: int

    @property
    def folder(self) -> Path:
        return BASE / str(self.number)

    @property
    def name(self) -> str:
        """Of the network namespace, the control group and the pod network."""
        return f"pointsman-{self.number}"

    @property
    def link(self) -> str:
        """The host's end of the cable to the node."""
        return f"pointsman{self.number}"

    @property
    def host(self) -> str:
        return f"10.250.{self.number}.1"

    @property
    def node(self) -> str:
        return f"10.250.{self.number}.2"

    @property
    def pods(self) -> str:
        return f"10.244.{self.number}.0/24"

    def service(self, last: int) -> str:
        return f"10.96.{self.number}.{last}"

    @property
    def services(self) -> str:
        return f"{self.service(0)}/24"

    @property
    def kept(self) -> Path:
        """Exists while a person's cluster is here; see `keep`."""
        return self.folder / "kept"

    def keep(self) -> None:
        """This is a person's cluster from now on, or a test's in the place of one."""
        self.kept.write_text(os.environ.get("POINTSMAN_CLUSTER_WHILE", ""))

    @property
    def is_kept(self) -> bool:
        """Whether somebody still wants it."""
        try:
            pid = self.kept.read_text()
        except FileNotFoundError:
            return False
        return not pid or Path("/proc", pid).exists()


def _lock(slot: Slot) -> int | None:
    return try_lock(BASE / "locks" / str(slot.number))


def claim() -> tuple[Slot, int]:
    """A free slot and the descriptor of its lock; closing it gives the slot back."""
    for slot in map(Slot, range(COUNT)):
        lock = _lock(slot)
        if lock is None:
            continue
        if not slot.folder.exists():
            return slot, lock
        os.close(lock)
    raise NoSlotError(f"all {COUNT} slots in {BASE} are in use: end other test runs, or `make cluster-down`")


def kept() -> Slot | None:
    """The slot of the person's cluster, if there is one."""
    return next((slot for slot in map(Slot, range(COUNT)) if slot.is_kept), None)


def sweep(clear: Callable[[Slot], None]) -> Iterator[Slot]:
    """Clears what killed runs left behind, and yields each slot that it cleared."""
    for slot in map(Slot, range(COUNT)):
        if not slot.folder.exists() or slot.is_kept:
            continue
        lock = _lock(slot)
        if lock is None:  # a test run has it now
            continue
        try:
            clear(slot)
        finally:
            os.close(lock)
        yield slot
