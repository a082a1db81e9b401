"""A whole router in this process, on free ports, before real fault servers."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from pointsman_faults.server import FaultServer
from pointsman_faults.server import serve as serve_faults

from pointsman.core.request import Turn
from pointsman.core.signals import Classification
from pointsman.core.snapshot import Route
from pointsman.runtime.drain import Drain
from router_svc.server import Router, Settings
from tests.support.build import backend


class FixedClassifier:
    """A classifier that takes a function; a real object, as small as can be."""

    def __init__(self, say: Callable[[str], Classification]) -> None:
        self._say = say
        self.prepared: dict[str, list[str]] = {}
        self.asked = 0

    def prepare(self, key: str, routes: Iterable[Route]) -> None:
        self.prepared[key] = [route.name for route in routes]

    def retain(self, keys: frozenset[str]) -> None:
        self.prepared = {key: names for key, names in self.prepared.items() if key in keys}

    def classify(self, key: str, turns: tuple[Turn, ...], eligible: frozenset[str]) -> Classification:
        assert key in self.prepared
        self.asked += 1
        return self._say(turns[-1].text)


def by_word(*names: str) -> FixedClassifier:
    """Routes by the route's name in the text."""
    return FixedClassifier(lambda text: Classification(routes={name: 0.9 if name in text else 0.05 for name in names}))


class Running:
    """What a test holds of a router."""

    def __init__(
        self, router: Router, folder: Path, faults: dict[str, FaultServer], session: aiohttp.ClientSession
    ) -> None:
        self.router, self.folder, self.faults, self._session = router, folder, faults, session
        self.url = f"http://127.0.0.1:{router.http_port}"

    async def chat(
        self, text: str = "hello", *, headers: dict[str, str] | None = None, **fields: Any
    ) -> aiohttp.ClientResponse:
        """One chat request; the response's body is read."""
        body = {"model": "auto", "messages": [{"role": "user", "content": text}], **fields}
        return await self.post("/v1/chat/completions", body, headers)

    async def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> aiohttp.ClientResponse:
        response = await self._session.post(self.url + path, json=body, headers=headers)
        await response.read()
        return response

    async def get(self, path: str) -> aiohttp.ClientResponse:
        response = await self._session.get(self.url + path)
        await response.read()
        return response

    def open(self, text: str = "hello", **fields: Any) -> Any:
        """A streamed chat request, for `async with`."""
        body = {"model": "auto", "messages": [{"role": "user", "content": text}], "stream": True, **fields}
        return self._session.post(self.url + "/v1/chat/completions", json=body)

    async def rewrite(self, *objects: dict[str, Any]) -> None:
        """Replace the folder's content and have the router look."""
        write(self.folder, objects)
        await self.router.source.once()


def write(folder: Path, objects: Iterable[dict[str, Any]]) -> None:
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(list(objects)))


def served(server: FaultServer, name: str, **spec: Any) -> dict[str, Any]:
    """A backend at a fault server."""
    endpoints = {"external": {"host": "127.0.0.1", "port": server.port, "tls": False}}
    return backend(name, endpoints=endpoints, **spec)


@asynccontextmanager
async def running(
    folder: Path,
    objects: Callable[[dict[str, FaultServer]], list[dict[str, Any]]],
    *names: str,
    load: bool = True,
    **settings: Any,
) -> AsyncIterator[Running]:
    """A router over fault servers of these names; `objects` makes the resources once their ports are known."""
    async with AsyncExitStack() as stack:
        faults = {
            name: await stack.enter_async_context(serve_faults(FaultServer(name, keep_bodies=True))) for name in names
        }
        write(folder, objects(faults))
        drain = Drain(delay=0.0, limit=5.0)
        inner = await stack.enter_async_context(AsyncExitStack())
        router = await Router.start(
            Settings(
                **{"folder": folder, "http": "127.0.0.1:0", "grpc": "127.0.0.1:0", "allow_loopback": True, **settings}
            ),
            drain,
            inner,
        )
        stack.push_async_callback(router.grpc.stop, 0.0)
        stack.push_async_callback(router.http.stop, 0.0)
        if load:
            await router.source.once()
        drain.ready()
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield Running(router, folder, faults, session)
