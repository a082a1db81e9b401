"""Takes a request's headers and body off the wire, within limits of size and time."""

import asyncio
import zlib
from collections.abc import Mapping

from aiohttp import web

from pointsman.core.errors import InvalidRequest, TooLarge

MAX_BODY_BYTES = 32 * 1024 * 1024
"""After decompression, with or without a Content-Length."""
BODY_SECONDS = 60.0
"""A body must have arrived by then: it holds a place among the requests in flight."""

_PLAIN = frozenset({"", "identity"})
_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_NOT_FORWARDED = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class HttpRefusal(InvalidRequest):
    """Refused by the rules of HTTP, before it is a request of OpenAI's API."""

    def __init__(self, status: int, message: str, code: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message, code=code)
        self.status, self.headers = status, headers or {}


def headers_of(request: web.BaseRequest) -> dict[str, str]:
    """The headers that mean something beyond this connection, names in lower case, repeated ones joined."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        if key not in _NOT_FORWARDED:
            found[key] = f"{found[key]}, {value}" if key in found else value
    return found


async def body_of(request: web.BaseRequest) -> bytes:
    """The whole body, decompressed. Raises TooLarge, or HttpRefusal or InvalidRequest for one that cannot be read."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in _PLAIN | _COMPRESSED:
        message = "This Content-Encoding is not supported; use gzip, deflate or none."
        raise HttpRefusal(415, message, "unsupported_encoding", {"accept-encoding": "gzip, deflate"})
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise too_large()
    if request.headers.get("expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await _read(request)
    return body if encoding in _PLAIN else await asyncio.to_thread(_decompress, body)


async def _read(request: web.BaseRequest) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large() from None
    except TimeoutError:
        message = f"The request body did not arrive within {BODY_SECONDS:.0f} seconds."
        raise HttpRefusal(408, message, "request_timeout") from None
    except web.RequestPayloadError:
        raise InvalidRequest("The request body is not framed as HTTP asks for.", code="invalid_body") from None


def _decompress(body: bytes) -> bytes:
    """The original of a gzip or zlib body, never more than the limit of it, whatever it claims to hold."""
    stream = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        original = stream.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error:
        original = None
    if original is not None and len(original) > MAX_BODY_BYTES:
        raise too_large()
    if original is None or not stream.eof or stream.unused_data:
        raise InvalidRequest("The request body is not compressed as its Content-Encoding says.", code="invalid_body")
    return original


def too_large() -> TooLarge:
    """The error for a body over the limit."""
    return TooLarge(f"The request body is over {MAX_BODY_BYTES // 2**20} MiB; send less, or split it.")
