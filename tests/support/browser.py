"""A real browser without a window, told by its own protocol what to show; it connects to this machine only."""

import asyncio
import base64
import os
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.cluster import debian

_FLAGS = (
    "--headless",
    "--no-sandbox",  # tests run as root, where its sandbox does not
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
)
_LOAD_SECONDS = 90.0


def lacking() -> str:
    """Why there is no browser here and none can be installed; empty when there is one, which may be installed now."""
    if shutil.which("chromium"):
        return ""
    if not debian.can_install():
        return "chromium is not installed, and only root can"
    try:
        debian.install("chromium")
    except debian.InstallError as error:
        return f"chromium cannot be installed: {str(error)[-300:]}"
    return ""


class Page:
    """One page, over the browser's debugging protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0

    async def open(self, url: str) -> None:
        await self._call("Page.navigate", url=url)

    async def text(self) -> str:
        """What a person reads on it."""
        said = await self._call("Runtime.evaluate", expression="document.body ? document.body.innerText : ''")
        return str(said["result"].get("value", ""))

    async def run(self, script: str) -> Any:
        """The value of an expression."""
        said = await self._call("Runtime.evaluate", expression=script, returnByValue=True)
        return said["result"].get("value")

    async def until(self, *words: str) -> str:
        """Wait until all of these are on it; its text."""
        end = time.monotonic() + _LOAD_SECONDS
        while True:
            text = await self.text()
            if all(word in text for word in words) or time.monotonic() > end:
                return text
            await asyncio.sleep(0.2)

    async def screenshot(self) -> bytes:
        """As PNG."""
        shown = await self._call("Page.captureScreenshot", format="png")
        return base64.b64decode(shown["data"])

    async def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        async with asyncio.timeout(_LOAD_SECONDS):
            while True:
                message = await self._socket.receive_json()
                if message.get("id") == self._number:
                    return dict(message.get("result", {}))


@asynccontextmanager
async def browsing(profile: Path, width: int = 1400, height: int = 800) -> AsyncIterator[Page]:
    """A fresh browser with one empty page."""
    flags = (*_FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}")
    process = await asyncio.create_subprocess_exec(
        "chromium", *flags, "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env={**os.environ, "HOME": str(profile)},
    )  # fmt: skip
    draining: asyncio.Task[bytes] | None = None
    try:
        assert process.stderr is not None
        async with asyncio.timeout(_LOAD_SECONDS):
            while not (found := re.search(rb"ws://(127\.0\.0\.1:\d+)/", await process.stderr.readline())):
                assert process.returncode is None, "the browser ended at once"
        draining = asyncio.create_task(process.stderr.read())
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{found[1].decode()}/json/list") as response:
                address = next(each for each in await response.json() if each["type"] == "page")
            async with session.ws_connect(address["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Page(socket)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        if draining is not None:
            await draining
