"""One control group per cluster, in every hierarchy: pods run under it, so that all of them can be found and ended."""

from contextlib import suppress
from pathlib import Path

from tests.cluster.daemons import ENDING, kill, until

DAEMONS = "daemons"


def hierarchies() -> list[Path]:
    """The mounted ones: one with cgroup v2, one per controller with v1, where runc also uses a v2 one beside them.

    The first is where processes are counted: v1's pids, else the only one.
    """
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    found = [Path(mount[1]) for mount in mounts if mount[2] in ("cgroup", "cgroup2")]
    return sorted(found, key=lambda path: path.name != "pids")


def create(name: str) -> Path:
    """Makes the groups and returns the one that programs join; what they start stays in it (containerd's shims)."""
    for hierarchy in hierarchies():
        _hand_down_controllers(hierarchy)
        (hierarchy / name).mkdir(exist_ok=True)
    daemons = hierarchies()[0] / name / DAEMONS
    daemons.mkdir(exist_ok=True)
    return daemons


def _hand_down_controllers(hierarchy: Path) -> None:
    """With cgroup v2 a group has only the controllers that the root hands down; kubelet wants all of them."""
    if (hierarchy / "cgroup.controllers").exists():
        for controller in (hierarchy / "cgroup.controllers").read_text().split():
            with suppress(OSError):  # one that cannot be handed down is one that kubelet does without
                (hierarchy / "cgroup.subtree_control").write_text(f"+{controller}")


def processes(name: str) -> set[int]:
    """Everything that runs in the groups of one cluster."""
    found: set[int] = set()
    for hierarchy in hierarchies():
        for file in (hierarchy / name).rglob("cgroup.procs"):
            try:
                found.update(int(pid) for pid in file.read_text().split())
            except OSError:  # the group went away while we looked, or holds threads only
                continue
    return found - {0}


def remove(name: str) -> None:
    """Ends what runs in the groups, then removes them. Nothing happens when they do not exist."""

    def empty() -> bool:
        left = processes(name)
        for pid in left:
            kill(pid)
        return not left

    until(empty, lambda: f"processes {sorted(processes(name))} in the control group {name} did not end", ENDING)
    for hierarchy in hierarchies():
        groups = [group for group in (hierarchy / name).rglob("*") if group.is_dir()]
        for group in (*sorted(groups, key=lambda path: -len(path.parts)), hierarchy / name):
            if group.exists():
                group.rmdir()
