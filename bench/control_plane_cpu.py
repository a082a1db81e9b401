"""CPU time of one change in the control plane and in a router, by size: `python bench/control_plane_cpu.py`.

Milliseconds of CPU, medians of 15, in one process without an API server: what a busy machine does not change much. For
the time that passes until ten routers have a change, see bench/control_plane.py. Prints a table, writes
docs/img/control-plane-cpu.svg.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import matplotlib as mpl  # noqa: E402 - the path comes first

mpl.use("svg")
from matplotlib import pyplot  # noqa: E402
from pointsman_operator.conditions import statuses  # noqa: E402
from pointsman_operator.content import Held as Known  # noqa: E402
from pointsman_operator.content import content_of, held_of  # noqa: E402
from pointsman_operator.fleet import Follower  # noqa: E402
from pointsman_operator.store import Store  # noqa: E402
from pointsman_operator.stream.delta import updates  # noqa: E402
from pointsman_operator.world import Builder  # noqa: E402

from pointsman.core.compile import Installation  # noqa: E402
from pointsman.core.memo import Memo  # noqa: E402
from pointsman.v1 import snapshot_stream_pb2 as pb  # noqa: E402
from router_svc.source.stream.held import NOTHING, advance, loaded, snapshot_of  # noqa: E402
from tests.control_plane.large import endpoints, routed_policy, served_backend  # noqa: E402
from tests.control_plane.observed import served  # noqa: E402

SIZES = (50, 100, 250, 500, 1000)
ROUNDS = 15


class Plane:
    """Store, builder, what is published, and one router that follows."""

    def __init__(self, policies: int) -> None:
        self.store, self.builder, self.memo, self.revision = Store(lambda: None), Builder(Installation()), Memo(), 0
        for number in range(policies // 2):
            for body in served_backend(number):
                self.put(body)
        for number in range(policies):
            self.put(routed_policy(number))
        self.first, self.world = timed(lambda: self.builder.build(self.store.objects()))
        self.content = content_of(self.world)
        self.known, self.held, self.decoded, self.sequence = Known(), NOTHING, None, 0
        self.follow()

    def put(self, body: dict[str, Any]) -> None:
        self.revision += 1
        uid = f"{body['kind']}/{body['metadata']['name']}"
        self.store.put(body["kind"], served(body, uid, self.revision, self.revision))

    def change(self, body: dict[str, Any]) -> dict[str, float]:
        """Milliseconds by part."""
        self.put(body)
        build, self.world = timed(lambda: self.builder.build(self.store.objects()))
        content, self.content = timed(lambda: content_of(self.world, self.content))
        delta, router = self.follow()
        fleet = tuple(Follower(f"r{number}", ready=True, holds=self.known.objects) for number in range(10))
        report, _ = timed(lambda: list(statuses(self.world, fleet, self.memo)))
        return {"build": build, "content and delta": content + delta, "statuses": report, "a router": router}

    def follow(self) -> tuple[float, float]:
        """What the delta costs for all routers at once, and what taking it up costs each."""
        delta, parts = timed(lambda: updates(self.known, self.content))
        update = pb.Update()
        for part in parts:
            update.MergeFrom(part)
        self.sequence += 1
        router, _ = timed(lambda: self._adopt(update))
        self.known = held_of(self.content, self.known)
        return delta, router

    def _adopt(self, update: pb.Update) -> None:
        self.held = advance(self.held, pb.Position(epoch=1, sequence=self.sequence), update)
        self.decoded = snapshot_of(self.held, self.decoded)
        loaded(self.held, self.decoded)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return (time.process_time() - start) * 1000, result


def median(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {part: statistics.median(each[part] for each in rounds) for part in rounds[0]}


def main() -> None:
    changes: dict[str, Callable[[int, int], dict[str, Any]]] = {
        "a policy": lambda number, revision: routed_policy(number % 7, revision),
        "endpoints of a backend": lambda number, revision: endpoints(number % 7, revision),
        "a backend's price": lambda number, revision: priced(number % 7, revision),
    }
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in changes}
    print(
        "| policies | first build | " + " | ".join(f"{name}: build, delta, statuses, router" for name in changes) + " |"
    )
    print("|---" * (2 + len(changes)) + "|")
    for size in SIZES:
        plane, cells = Plane(size), []
        for name, change in changes.items():
            found = median([plane.change(change(number, number + 1)) for number in range(ROUNDS)])
            rows[name].append(found)
            cells.append(", ".join(f"{value:.1f}" for value in found.values()))
        print(f"| {size} | {plane.first:.0f} | " + " | ".join(cells) + " |", flush=True)
    plot(rows, ROOT / "docs" / "img" / "control-plane-cpu.svg")


def priced(number: int, revision: int) -> dict[str, Any]:
    body = served_backend(number)[0]
    return {**body, "spec": {**body["spec"], "pricing": {"input": str(revision)}}}


def plot(rows: dict[str, list[dict[str, float]]], file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    plain = {"svg.hashsalt": "pointsman", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    mpl.rcParams.update(plain)
    figure, axes = pyplot.subplots(1, len(rows), figsize=(11, 3.2), sharey=True, layout="constrained")
    for axis, (name, found) in zip(axes, rows.items(), strict=True):
        bottoms = [0.0] * len(SIZES)
        for part in found[0]:
            heights = [each[part] for each in found]
            axis.bar([str(size) for size in SIZES], heights, bottom=bottoms, label=part)
            bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
        axis.set(title=f"One change of {name}", xlabel="policies")
    axes[0].set_ylabel("ms of CPU")
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main()
