"""Which addresses a router never connects to, checked when an object is compiled and again when a name has resolved.

A backend's address comes from whoever may create objects, so it must not reach what only the router's pod can: its own
loopback, the node's link-local services, the cloud's metadata, the API server.
"""

import re
from collections.abc import Collection
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

API_SERVER_NAMES = re.compile(r"kubernetes(\.default(\.svc(\..+)?)?)?")
METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"})
METADATA = frozenset(map(ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16")))
"""EC2 and most others, EC2 over IPv6, Alibaba Cloud, Azure."""

_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_NUMERIC = re.compile(r"(.*\.)?(0[xX][0-9a-fA-F]*|[0-9]+)\.?")

Address = IPv4Address | IPv6Address


def refuse(
    host: str,
    *,
    allow_loopback: bool = False,
    allowed_external: Collection[str] | None = None,
    api_server: Collection[str] = (),
) -> str | None:
    """Why this host name or IP address must not be connected to; None when it may.

    `allowed_external` holds the host names, or patterns such as *.example.com, of which an external host must be one;
    None for an address that a name or an EndpointSlice led to. Loopback, where it is allowed, needs no other
    permission. `api_server` holds the API server's addresses.
    """
    name = host.strip("[]").lower().removesuffix(".")
    address = _parse(name)
    reason = _refuse_name(name, api_server) if address is None else _refuse_address(address, api_server)
    if reason is not None:
        return reason
    if _is_loopback(name, address):
        return None if allow_loopback else "is a loopback address"
    if allowed_external is not None and not _is_allowed(name, address, allowed_external):
        return "is not among the external hosts that this installation allows"
    return None


def _is_loopback(name: str, address: Address | None) -> bool:
    return address.is_loopback if address is not None else name == "localhost" or name.endswith(".localhost")


def _is_allowed(name: str, address: Address | None, allowed: Collection[str]) -> bool:
    names = {name} if address is None else {name, str(address)}
    return any(fnmatchcase(each, pattern.lower()) for each in names for pattern in allowed)


def _parse(name: str) -> Address | None:
    """The address that this text writes, taken out of the IPv6 forms that carry an IPv4 one."""
    try:
        address = ip_address(name.split("%")[0])
    except ValueError:
        return None
    if not isinstance(address, IPv6Address):
        return address
    low = IPv4Address(int(address) & 0xFFFFFFFF)
    if address.ipv4_mapped or address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return low
    return address.sixtofour or address


def _refuse_name(name: str, api_server: Collection[str]) -> str | None:
    if _NUMERIC.fullmatch(name):
        return "is a number that some resolvers read as an address"
    if name in METADATA_NAMES:
        return "is the cloud's metadata service"
    if API_SERVER_NAMES.fullmatch(name) or name in {server.lower() for server in api_server}:
        return "is the Kubernetes API server"
    return None


def _refuse_address(address: Address, api_server: Collection[str]) -> str | None:
    if address in {_parse(server) for server in api_server}:
        return "is the Kubernetes API server"
    if address in METADATA:
        return "is the cloud's metadata service"
    rules = (
        (address.is_unspecified or (address.version == 4 and address.packed[0] == 0), "is an unspecified address"),
        (address.is_link_local, "is a link-local address"),
        (address.is_multicast, "is a multicast address"),
        (address.is_reserved and not address.is_loopback, "is a reserved address"),
    )
    return next((reason for holds, reason in rules if holds), None)
