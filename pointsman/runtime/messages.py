"""Values of the core as the messages of pointsman/v1, and back: what both ends of the snapshot stream share."""

from collections.abc import Iterable, Mapping

from pointsman.core.endpoints import Endpoint
from pointsman.core.snapshot import SecretKey
from pointsman.v1 import snapshot_pb2 as pb

Name = tuple[str, str, str]
"""Kind, namespace and name of an object."""

LIMIT = 2 * 1024 * 1024
"""Bytes of one message of the stream; gRPC's own limit is 4 MB, and no object comes near the difference."""


def name_message(name: Name) -> pb.ObjectName:
    """Names an object."""
    return pb.ObjectName(kind=name[0], namespace=name[1], name=name[2])


def name_of(message: pb.ObjectName) -> Name:
    """Who is named."""
    return (message.kind, message.namespace, message.name)


def endpoint_message(endpoint: Endpoint) -> pb.Endpoint:
    """One address; only those that may get requests are sent."""
    return pb.Endpoint(
        host=endpoint.host,
        port=endpoint.port,
        tls=endpoint.tls,
        zone=endpoint.zone,
        ready=True,
    )


def endpoint_of(message: pb.Endpoint) -> Endpoint:
    """One address."""
    return Endpoint(message.host, message.port, message.tls, message.zone)


def credentials_message(revision: str, credentials: Mapping[SecretKey, str], keys: str | None) -> pb.Credentials:
    """All of them; `keys` is the key file of clients."""
    each = [
        pb.Credential(namespace=key.namespace, name=key.name, key=key.key, value=value.encode())
        for key, value in sorted(credentials.items(), key=lambda item: (item[0].namespace, item[0].name, item[0].key))
    ]
    clients = None if keys is None else pb.ClientKeys(keys=keys.encode())
    return pb.Credentials(revision=revision, backends=each, clients=clients)


def credentials_of(messages: Iterable[pb.Credential]) -> dict[SecretKey, str]:
    """All of them."""
    return {SecretKey(namespace=each.namespace, name=each.name, key=each.key): each.value.decode() for each in messages}
