"""What pods take, by the control groups of the node that runs on this machine: as kubelet counts it, without file cache
that could be dropped."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.cgroups import hierarchies
from tests.e2e.installation import Installation
from tests.e2e.log import note

COMPONENTS = ("operator", "router", "triton")
_MIB = 1 << 20


def taken(installation: Installation) -> dict[str, list[int]]:
    """MiB of each running pod, by component; empty on a cluster that is not this machine's own."""
    found: dict[str, list[int]] = {}
    for component in COMPONENTS:
        groups = [group for pod in installation.pods(component) if (group := _group(pod["metadata"]["uid"]))]
        if groups:
            found[component] = sorted(_working_set(group) // _MIB for group in groups)
    return found


def tell(installation: Installation, when: str) -> None:
    """A line of the log."""
    note(f"memory {when}: {_words(taken(installation))}")


@contextmanager
def told_at_most(installation: Installation, when: str) -> Iterator[None]:
    """A line of the log after the block: the most that a pod of each component took in it, looked at every second."""
    most: dict[str, list[int]] = {}
    over = threading.Event()

    def look() -> None:
        while not over.wait(1):
            for component, sizes in taken(installation).items():
                most[component] = [max([*sizes, *most.get(component, ())])]

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()
        note(f"memory {when}, at most: {_words(most)}")


def _words(found: dict[str, list[int]]) -> str:
    return "; ".join(f"{component} {', '.join(map(str, sizes))} MiB" for component, sizes in found.items()) or "unknown"


def _group(uid: str) -> Path | None:
    """Of version 1 the memory controller's, of version 2 the only one."""
    for hierarchy in hierarchies():
        if hierarchy.name == "memory" or (hierarchy / "cgroup.controllers").exists():
            for found in hierarchy.glob(f"*/kubepods/**/pod{uid}"):
                if (found / "memory.stat").exists():
                    return found
    return None


def _working_set(group: Path) -> int:
    usage = next(file for name in ("memory.current", "memory.usage_in_bytes") if (file := group / name).exists())
    stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return int(usage.read_text()) - int(stat.get("total_inactive_file", stat.get("inactive_file", "0")))
