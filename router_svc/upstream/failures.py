"""What goes wrong in an attempt besides an error response; errors of aiohttp and the system are mapped here, once.

No message holds text of a request or answer.
"""

import aiohttp

from pointsman.core.quota import Usage
from pointsman.core.resources.policy import Trigger
from router_svc.exchange import Failure
from router_svc.upstream.answer import Malformed
from router_svc.upstream.transport import AddressRefused


class AnswerTooLarge(ValueError):
    """A response body is larger than its limit."""


def late(message: str, *, endpoint_fault: bool = True) -> Failure:
    """Time ran out."""
    return Failure(trigger=Trigger.TIMEOUT, message=message, status=504, endpoint_fault=endpoint_fault)


def broken(message: str, *, endpoint_fault: bool = True) -> Failure:
    """The model server sent nothing that can be used."""
    return Failure(trigger=Trigger.SERVER_ERROR, message=message, status=502, endpoint_fault=endpoint_fault)


def refused(body: bytes | None, usage: Usage) -> Failure:
    """The model answered that it will not. `body` is its whole answer, passed on if nobody else is asked."""
    return Failure(
        trigger=Trigger.REFUSAL,
        message="the model refused the request",
        status=200,
        received=200,
        body=body,
        endpoint_fault=False,
        usage=usage,
    )


NOT_CONNECTED = (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError, aiohttp.InvalidURL)
"""What aiohttp raises before a request is sent."""


def not_connected(
    error: aiohttp.ConnectionTimeoutError | aiohttp.ClientConnectorError | aiohttp.InvalidURL,
) -> Failure:
    """No connection came about."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        message = "no connection in time"
    elif isinstance(error, aiohttp.InvalidURL):
        message = "the endpoint's host is neither a name nor an address in its usual form"
    elif isinstance(error, aiohttp.ClientConnectorCertificateError):
        message = "the endpoint's TLS certificate is not valid"
    elif isinstance(error, aiohttp.ClientConnectorDNSError):
        message = "the endpoint's host name does not resolve"
    elif isinstance(error.os_error, AddressRefused):
        message = f"the endpoint's address is not allowed: {error.os_error}"
    else:
        message = f"no connection: {error.os_error.strerror or type(error.os_error).__name__}"
    return Failure(trigger=Trigger.CONNECT_ERROR, message=message, status=502)


def not_answered(error: aiohttp.ClientError | OSError | ValueError) -> Failure:
    """The request was sent, and no usable answer came."""
    if isinstance(error, AnswerTooLarge):
        return broken("the model server's answer is too large")
    if isinstance(error, Malformed):
        return broken("the model server's answer is not JSON")
    if isinstance(error, aiohttp.ClientResponseError):
        return broken("the model server's answer is not HTTP")
    if isinstance(error, ValueError):
        return broken("the request cannot be sent: check the backend's credential")
    return broken("the connection broke off")
