"""The few calls that the operator makes itself, over aiohttp with Kopf's credentials.

ApiError          the API server refused; `status` says why
ApiUnreachable    it did not answer; what was known stays true, the caller tries again
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import kopf
import msgspec

from pointsman.core.errors import PointsmanError

Object = Mapping[str, Any]
_PAGE = "500"
_LOGIN_EVERY = 60.0
"""Seconds between two looks at the credentials: a service account's token is replaced within the hour."""


class ApiError(PointsmanError):
    """The API server refused."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class ApiUnreachable(PointsmanError):
    """The API server did not answer."""


class Api:
    """One connection pool to the API server."""

    def __init__(self, login: Callable[[], kopf.ConnectionInfo | None]) -> None:
        self._login = login
        self._session: aiohttp.ClientSession | None = None
        self._server = ""
        self._headers: Mapping[str, str] = {}
        self._looked = float("-inf")
        self.trouble = ""
        """Why calls go unanswered; empty since one was answered, were it by a refusal."""
        self.trouble_since = 0.0
        """By time.monotonic."""

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()

    async def list(self, path: str, selector: str = "") -> list[Object]:
        """All objects of a path, page by page."""
        items: list[Object] = []
        params = {"limit": _PAGE} | ({"labelSelector": selector} if selector else {})
        while True:
            page = await self.call("GET", path, params=params)
            items += page.get("items") or ()
            token = page["metadata"].get("continue")
            if not token:
                return items
            params = params | {"continue": token}

    async def apply(self, path: str, body: Object, manager: str) -> Object:
        """Server-side apply: these fields are this manager's, all others are left alone."""
        params = {"fieldManager": manager, "force": "true"}
        answer: Object = await self.call(
            "PATCH", path, params=params, body=body, content_type="application/apply-patch+yaml"
        )
        return answer

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> Any:
        """One request; the answer's JSON."""
        session = self._connected()
        data = None if body is None else msgspec.json.encode(body)
        headers = {**self._headers, "Accept": "application/json", "Content-Type": content_type}
        try:
            async with session.request(
                method, self._server + path, params=params, data=data, headers=headers
            ) as answer:
                content = await answer.read()
                self.trouble = ""
                if answer.status >= 400:
                    raise ApiError(answer.status, _message(content))
                return msgspec.json.decode(content)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self.trouble_since = self.trouble_since if self.trouble else time.monotonic()
            self.trouble = type(error).__name__
            raise ApiUnreachable(f"{self.trouble} at {method} {path}") from None

    def _connected(self) -> aiohttp.ClientSession:
        now = time.monotonic()
        if self._session is None or now - self._looked > _LOGIN_EVERY:
            info = self._login()
            if info is None:
                raise ApiUnreachable("there is neither a service account nor a kubeconfig")
            self._server, self._headers, self._looked = info.server.rstrip("/"), info.as_http_headers(), now
            if self._session is None:
                connector = aiohttp.TCPConnector(ssl=info.as_ssl_context(), limit=32)
                timeout = aiohttp.ClientTimeout(total=60, sock_connect=10)
                self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self._session


def _message(content: bytes) -> str:
    """What the API server says is wrong."""
    try:
        return str(msgspec.json.decode(content)["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return content[:200].decode(errors="replace")
