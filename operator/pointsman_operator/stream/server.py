"""Serves the snapshot stream over gRPC, with mutual TLS where certificates are given.

Only a leader serves. A replica that does not lead answers with the leader's address; one that steps down ends its
streams with UNAVAILABLE, and routers go on answering from what they have.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import grpc
import msgspec

from pointsman.v1 import snapshot_stream_pb2 as pb
from pointsman.v1 import snapshot_stream_pb2_grpc as rpc
from pointsman_operator.publisher import Publisher
from pointsman_operator.stream.delta import Deltas
from pointsman_operator.stream.identity import why_not
from pointsman_operator.stream.session import Session
from pointsman_operator.tracing import Tracing

log = logging.getLogger("pointsman.stream")

_OPTIONS = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # routers ping every 20 s; by default a server takes one in five minutes without data, and hangs up on the third
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 0),
)


class Certificates(msgspec.Struct, frozen=True):
    """Files in PEM: who may call, and who this is. Read again when they change."""

    authority: Path
    certificate: Path
    key: Path

    def read(self) -> tuple[bytes, bytes, bytes]:
        """Authority, certificate and key."""
        return self.authority.read_bytes(), self.certificate.read_bytes(), self.key.read_bytes()


class SnapshotStream(rpc.SnapshotStreamServicer):
    """One session per router."""

    def __init__(self, publisher: Publisher, leader: Callable[[], str], authenticated: bool, tracing: Tracing) -> None:
        """`authenticated` tells whether clients have certificates, which must then allow the names that they give."""
        self._publisher, self._leader, self._authenticated = publisher, leader, authenticated
        self._tracing = tracing
        self._deltas = Deltas()

    async def Follow(  # noqa: N802 - the protocol's name
        self,
        request_iterator: AsyncIterator[pb.FollowRequest],
        context: "grpc.aio.ServicerContext[pb.FollowRequest, pb.FollowResponse]",
    ) -> AsyncIterator[pb.FollowResponse]:
        """Serve one router until it goes or this replica leads no more."""
        first = await anext(aiter(request_iterator), None)
        if first is None or first.WhichOneof("message") != "subscribe":
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the first message must be Subscribe")
            return
        denied = why_not(first.subscribe.router, _names(context)) if self._authenticated else ""
        if denied:
            log.warning("a router was refused: %s", denied)
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, denied)
            return
        if self._publisher.published is None:
            yield pb.FollowResponse(redirect=pb.Redirect(leader=self._leader()))
            return
        session = Session(self._publisher, first.subscribe, self._deltas, self._tracing)
        wake = asyncio.Event()
        unlisten = self._publisher.listen(wake.set)
        reading = asyncio.create_task(_read(request_iterator, session, wake))
        log.info("%s follows", first.subscribe.router)
        try:
            while not reading.done():
                wake.clear()
                if self._publisher.published is None or session.ahead:
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "this replica does not lead any more")
                for response in session.due():
                    yield response
                await wake.wait()
        finally:
            unlisten()
            session.end()
            reading.cancel()
            log.info("%s follows no more", first.subscribe.router)


def _names(context: "grpc.aio.ServicerContext[pb.FollowRequest, pb.FollowResponse]") -> list[str]:
    """The alternative names of the client's certificate, which was verified before."""
    found = context.auth_context().get("x509_subject_alternative_name", ())
    return [name.decode(errors="replace") for name in found]


async def _read(requests: AsyncIterator[pb.FollowRequest], session: Session, wake: asyncio.Event) -> None:
    """Hand on what the router says, until it says no more."""
    try:
        async for request in requests:
            session.received(request)
            wake.set()
    finally:
        wake.set()


async def start(
    address: str,
    publisher: Publisher,
    leader: Callable[[], str],
    certificates: Certificates | None,
    tracing: Tracing | None = None,
) -> tuple[grpc.aio.Server, int]:
    """Listen; the server and its port."""
    server = grpc.aio.server(options=_OPTIONS)
    service = SnapshotStream(publisher, leader, certificates is not None, tracing or Tracing())
    rpc.add_SnapshotStreamServicer_to_server(service, server)
    if certificates is None:
        port = server.add_insecure_port(address)
    else:
        port = server.add_secure_port(address, _mutual(certificates))
    await server.start()
    return server, port


def _mutual(certificates: Certificates) -> grpc.ServerCredentials:
    """Mutual TLS; each handshake looks whether the files changed."""
    last = certificates.read()

    def changed() -> grpc.ServerCertificateConfiguration | None:
        """None, which the stubs do not know, means the same as before."""
        nonlocal last
        try:
            now = certificates.read()
        except OSError:  # being replaced: the ones before still hold
            return None
        if now == last:
            return None
        last = now
        return _configuration(now)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(last),
        changed,  # type: ignore[arg-type]  # grpc allows None, its stubs do not
        require_client_authentication=True,
    )


def _configuration(pem: tuple[bytes, bytes, bytes]) -> grpc.ServerCertificateConfiguration:
    authority, certificate, key = pem
    return grpc.ssl_server_certificate_configuration([(key, certificate)], root_certificates=authority)
