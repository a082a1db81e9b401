"""The processes beside bench/control_plane.py, one each, so that none of them waits for another's interpreter.

    operator FILE ARGUMENTS…   the real operator; when which stage was passed goes to FILE, as JSON lines
    routers ADDRESS COUNT      simulated routers: the real client of the stream, without a data plane behind it
    churn BACKENDS RATE        RATE EndpointSlices a second change

All times are of CLOCK_MONOTONIC, which processes of one machine share.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from pointsman_operator import handlers  # noqa: E402 - the path comes first
from pointsman_operator.api import Api  # noqa: E402
from pointsman_operator.publisher import Publisher  # noqa: E402
from pointsman_operator.store import Store  # noqa: E402
from pointsman_operator.stream.session import Session  # noqa: E402
from pointsman_operator.watched import WATCHED  # noqa: E402
from pointsman_operator.world import Builder  # noqa: E402

from router_svc.source.loaded import Loaded  # noqa: E402
from router_svc.source.stream.client import ControlPlane, Peering  # noqa: E402
from router_svc.source.stream.shelf import Shelf  # noqa: E402
from tests.control_plane.large import endpoints, revision_of  # noqa: E402

PROBED = 7
"""Policies that are changed in turn while it is measured; the first backend is the one whose addresses are."""


def operator(file: str, *arguments: str) -> None:
    """The product carries nothing for this: its methods are wrapped from outside."""
    out = Path(file).open("w", buffering=1)  # noqa: SIM115 - open as long as the process

    def tell(stage: str, **what: object) -> None:
        out.write(json.dumps({"stage": stage, "at": time.monotonic(), **what}) + "\n")

    put, build, publish, due = Store.put, Builder.build, Publisher.publish, Session.due

    def staged_put(self: Store, kind: str, body: Any) -> bool:
        metadata = body.get("metadata", {})
        tell("seen", name=f"{kind}/{metadata.get('name')}", generation=metadata.get("generation"))
        return put(self, kind, body)

    def staged_build(self: Builder, objects: Any) -> Any:
        tell("building")
        return build(self, objects)

    def staged_publish(self: Publisher, world: Any) -> None:
        publish(self, world)
        tell("published")

    def staged_due(self: Session) -> Iterator[Any]:
        for response in due(self):
            yield response
            if response.update.complete:
                tell("sent")

    methods: dict[type, tuple[str, Callable[..., Any]]] = {
        Store: ("put", staged_put),
        Builder: ("build", staged_build),
        Publisher: ("publish", staged_publish),
        Session: ("due", staged_due),
    }
    for owner, (name, staged) in methods.items():
        setattr(owner, name, staged)
    from pointsman.cli import main

    sys.argv = ["pointsman", "operator", *arguments]
    main()


class Router:
    """Says on stdout when what it has in force of the probed objects changed."""

    def __init__(self, number: int, address: str, folder: Path) -> None:
        self.number, self._told = number, ""
        shelf = Shelf(folder / str(number), folder / str(number) / "private")
        ready: list[bool] = []
        self._ready = ready
        self.client = ControlPlane(
            Peering(f"bench/router-{number}", address), shelf, self._adopt, lambda: bool(ready), lambda: 0.0
        )

    async def _adopt(self, loaded: Loaded) -> None:
        at = time.monotonic()
        self._ready[:] = [True]
        revisions = [revision_of(loaded, number) for number in range(PROBED)]
        state = json.dumps({"policies": revisions, "hosts": [each.host for each in loaded.endpoints.get("ai/b0", ())]})
        if state != self._told:
            self._told = state
            print(json.dumps({"router": self.number, "at": at, **json.loads(state)}), flush=True)


async def routers(address: str, count: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        all_of_them = [Router(number, address, Path(folder)) for number in range(int(count))]
        await asyncio.gather(*(router.client.forever() for router in all_of_them))


async def churn(backends: str, rate: str) -> None:
    """Prints how many were changed, once a second. The first backend is left alone."""
    api, number, changed, start = Api(handlers.login), 0, 0, time.monotonic()
    waiting: set[asyncio.Task[None]] = set()

    async def change(number: int) -> None:
        nonlocal changed
        body = endpoints(1 + number % (int(backends) - 1), number)
        await apply(api, body)
        changed += 1

    while True:
        number += 1
        await asyncio.sleep(start + number / int(rate) - time.monotonic())
        if len(waiting) < int(rate):  # an API server that falls behind is not buried
            task = asyncio.create_task(change(number))
            waiting.add(task)
            task.add_done_callback(waiting.discard)
        if number % int(rate) == 0:
            print(json.dumps({"at": time.monotonic(), "changed": changed}), flush=True)


async def apply(api: Api, body: Any) -> Any:
    """Server-side apply; the object as it is then."""
    watched = WATCHED[body["kind"]]
    root = "apis" if watched.group else "api"
    path = f"/{root}/{watched.api_version}/namespaces/{body['metadata']['namespace']}/{watched.plural}"
    return await api.apply(f"{path}/{body['metadata']['name']}", body, "bench")


if __name__ == "__main__":
    what, *given = sys.argv[1:]
    if what == "operator":
        operator(*given)
    else:
        asyncio.run({"routers": routers, "churn": churn}[what](*given))
