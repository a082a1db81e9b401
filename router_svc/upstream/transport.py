"""Connections to model servers: kept alive, verified, and only to addresses that are allowed.

The guard looks at the address of the socket that is about to be connected, so neither a name that resolves to
something else the second time nor an address written in an odd way gets around it.
"""

import functools
import io
import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping
from types import SimpleNamespace

import aiohttp
import yarl
from aiohappyeyeballs import AddrInfoType

from router_svc.exchange import Endpoint

Refuse = Callable[[str], str | None]
"""Given an IP address, says why it must not be connected to, or None."""

_KEEP_ALIVE = 30.0
"""Seconds that an idle connection is kept. Servers that give up earlier cost one reconnect (see `post`)."""

_LARGE = 1 << 20
"""Bytes of a body above which it is sent piece by piece, so that other requests get their turn in between."""

_HEADERS = {"user-agent": "pointsman", "accept-encoding": "identity"}


class AddressRefused(OSError):
    """The guard does not allow this address; the message says why."""


class Transport:
    """Sends requests to endpoints. Use as an async context manager, or `start` and `aclose`."""

    def __init__(self, refuse: Refuse, tls: ssl.SSLContext) -> None:
        self._refuse = refuse
        self._tls = tls
        self._pooled: aiohttp.ClientSession | None = None
        self._unpooled: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Must run in the event loop that sends the requests."""
        self._pooled = self._session(force_close=False)
        self._unpooled = self._session(force_close=True)

    async def aclose(self) -> None:
        """Closes every connection."""
        for session in (self._pooled, self._unpooled):
            if session is not None:
                await session.close()

    async def post(
        self, endpoint: Endpoint, path: str, body: bytes, headers: Mapping[str, str], connect: float
    ) -> aiohttp.ClientResponse:
        """Sends a request and waits for the head of its response. Raises aiohttp.ClientError.

        A server may close an idle connection just as it is used again. That says nothing of the request, so it is
        sent once more over a new connection.
        """
        assert self._pooled is not None
        assert self._unpooled is not None
        connection = SimpleNamespace(new=False)
        try:
            return await self._send(self._pooled, endpoint, path, body, headers, connect, connection)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if connection.new or not _died_unanswered(error):
                raise
        return await self._send(self._unpooled, endpoint, path, body, headers, connect, connection)

    async def get_status(self, endpoint: Endpoint, path: str) -> int:
        """HTTP status of a GET. Raises aiohttp.ClientError."""
        assert self._unpooled is not None
        request = self._unpooled.get(
            _url(endpoint, path),
            ssl=self._tls,
            allow_redirects=False,
        )
        async with request as response:
            return response.status

    def _send(
        self,
        session: aiohttp.ClientSession,
        endpoint: Endpoint,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        connect: float,
        connection: SimpleNamespace,
    ) -> "aiohttp.client._RequestContextManager":
        return session.post(
            _url(endpoint, path),
            data=body if len(body) <= _LARGE else io.BytesIO(body),
            headers=headers,
            ssl=self._tls,
            timeout=_connect_timeout(connect),
            allow_redirects=False,
            trace_request_ctx=connection,
        )

    def _session(self, *, force_close: bool) -> aiohttp.ClientSession:
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_start.append(_note_new_connection)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # limits are the router's and the backends', counted elsewhere
                force_close=force_close,
                keepalive_timeout=None if force_close else _KEEP_ALIVE,
                socket_factory=self._guarded_socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
            trace_configs=[trace],
        )

    def _guarded_socket(self, address: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, where = address
        reason = self._refuse(_plain_ip(str(where[0])))
        if reason is not None:
            raise AddressRefused(reason)
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made


def _plain_ip(text: str) -> str:
    """An address in its usual form: IPv4 inside IPv6 taken out, no zone."""
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _died_unanswered(error: aiohttp.ServerDisconnectedError | aiohttp.ClientOSError) -> bool:
    """Whether not one byte of a response had come."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return isinstance(error.message, str)  # otherwise it is the part that came
    return isinstance(error, ConnectionError) or error.errno is not None


async def _note_new_connection(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _event: aiohttp.TraceConnectionCreateStartParams
) -> None:
    if context.trace_request_ctx is not None:
        context.trace_request_ctx.new = True


@functools.lru_cache(maxsize=8192)
def _url(endpoint: Endpoint, path: str) -> yarl.URL:
    scheme = "https" if endpoint.tls else "http"
    return yarl.URL(f"{scheme}://{endpoint.authority}{path}")


@functools.lru_cache(maxsize=256)
def _connect_timeout(seconds: float) -> aiohttp.ClientTimeout:
    """Name resolution, connecting and TLS; the other limits are the caller's."""
    return aiohttp.ClientTimeout(total=None, connect=seconds)
