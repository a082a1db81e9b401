"""Connections: who may be connected to, by which certificate, how often, and that leaving closes them."""

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pointsman_faults import kinds
from pointsman_faults.received import Outcome
from pointsman_faults.script import Rule
from pointsman_faults.server import FaultServer, serve

from pointsman.core.resources.policy import Trigger
from pointsman.core.snapshot import Timeouts
from router_svc.exchange import Endpoint, Failure, Reply
from router_svc.upstream import Upstream
from tests.support.calls import TRUST, Caller, calling, eventually, payload, read_all


def refuse_loopback(ip: str) -> str | None:
    return "loopback" if ip in ("127.0.0.1", "::1") else None


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "::ffff:127.0.0.1", "2130706433", "0x7f000001", "127.1", "::1"]
)
async def test_a_refused_address_is_refused_however_it_is_written(host: str):
    async with calling(refuse_loopback) as caller:
        caller.endpoint = Endpoint(host, caller.server.port)
        failure = await caller.fail()
        assert failure.trigger is Trigger.CONNECT_ERROR
        assert not caller.server.requests


async def test_the_guard_sees_what_a_name_resolves_to():
    seen: list[str] = []

    def guard(ip: str) -> str | None:
        seen.append(ip)
        return None

    async with calling(guard) as caller:
        caller.endpoint = Endpoint("localhost", caller.server.port)
        await caller.reply()
    assert "127.0.0.1" in seen


@pytest.mark.parametrize("stream", [False, True])
async def test_connections_are_kept(stream: bool):
    connected: list[str] = []
    async with calling(connected.append) as caller:  # append returns None: allowed
        for _ in range(5):
            reply = await caller.reply(stream=stream)
            if stream:
                await read_all(reply)
    assert len(connected) == 1


async def test_a_closed_port_is_a_connect_error():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        async with calling() as caller:
            caller.endpoint = Endpoint("127.0.0.1", free.getsockname()[1])
            assert (await caller.fail()).trigger is Trigger.CONNECT_ERROR


async def test_a_name_that_does_not_resolve_is_a_connect_error():
    async with calling() as caller:
        caller.endpoint = Endpoint("no-such-host.invalid", 80)
        assert (await caller.fail()).trigger is Trigger.CONNECT_ERROR


async def test_a_handshake_that_never_comes_is_a_connect_error():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with calling() as caller:
            caller.endpoint = Endpoint("127.0.0.1", silent.getsockname()[1], tls=True)
            failure = await caller.fail(timeouts=Timeouts(connect=0.05, total=5.0))
            assert failure.trigger is Trigger.CONNECT_ERROR


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with calling() as caller:
        await caller.reply()


async def test_redirects_are_not_followed():
    async with calling() as caller:
        failure = await caller.fail(Rule(fault=kinds.Status(status=302)))
        assert (failure.trigger, failure.status) == (Trigger.SERVER_ERROR, 302)
        assert len(caller.server.requests) == 1


async def test_headers_and_credential():
    async with calling() as caller:
        await caller.reply(credential="secret\n")
        headers = caller.server.requests[-1].headers
        assert headers["authorization"] == "Bearer secret"
        assert headers["content-type"] == "application/json"
        assert headers["user-agent"] == "pointsman"
        assert "cookie" not in headers
        await caller.reply()
        assert "authorization" not in caller.server.requests[-1].headers


async def test_a_large_request_arrives_whole():
    async with calling() as caller:
        sent = payload(padding="x" * (3 << 20))
        await caller.reply(sent=sent)
        assert caller.server.requests[-1].body == sent.body.decode()


async def test_a_credential_that_is_no_header_is_not_shown():
    async with calling() as caller:
        failure = await caller.fail(credential="se\r\ncret: x")
        assert "credential" in failure.message
        assert "cret" not in failure.message.replace("credential", "")
        assert not caller.server.requests


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("rule", [Rule(fault=kinds.Hang()), Rule(first_token=30)], ids=str)
async def test_to_cancel_a_call_closes_its_connection(stream: bool, rule: Rule):
    async with calling() as caller:
        call = asyncio.create_task(caller.call(rule, stream=stream))
        await eventually(lambda: len(caller.server.requests) == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await eventually(lambda: caller.server.requests[-1].outcome is Outcome.CANCELLED)


async def test_probes():
    async with calling() as caller:
        assert await caller.upstream.probe(caller.endpoint, "/health", 5.0)
        assert not await caller.upstream.probe(caller.endpoint, "/nothing", 5.0)
        caller.server.play(healthy=False)
        assert not await caller.upstream.probe(caller.endpoint, "/health", 5.0)
        assert not await caller.upstream.probe(Endpoint("127.0.0.1", 1), "/health", 5.0)


# A raw server, for what no HTTP library would do.

OK = b'{"choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(OK), OK)

Turn = Callable[[int, int, asyncio.StreamWriter], Awaitable[bool]]
"""Given the number of the connection and of its request, answers; whether the connection stays open."""


@asynccontextmanager
async def raw_server(turn: Turn) -> AsyncIterator[tuple[Endpoint, list[tuple[int, int]]]]:
    """Lists every request as (connection, request on it)."""
    requests: list[tuple[int, int]] = []
    connections = 0

    async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        connection, count, stays = connections, 0, True
        while stays:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                size = next(
                    int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
                )
                await reader.readexactly(size)
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            count += 1
            requests.append((connection, count))
            stays = await turn(connection, count, writer)
        writer.close()

    server = await asyncio.start_server(serve_connection, "127.0.0.1", 0)
    async with server:
        yield Endpoint("127.0.0.1", server.sockets[0].getsockname()[1]), requests


async def ask(upstream: Upstream, endpoint: Endpoint, *, stream: bool = False) -> Reply | Failure:
    loop = asyncio.get_running_loop()
    return await upstream.call(endpoint, payload(stream=stream), Timeouts(), loop.time() + 10, None)


async def test_a_kept_connection_that_died_is_replaced_once():
    async def turn(connection: int, request: int, writer: asyncio.StreamWriter) -> bool:
        if connection == 1 and request == 2:
            return False  # closed just as it is used again
        writer.write(ANSWER)
        return True

    async with Upstream(lambda ip: None, tls=TRUST) as upstream, raw_server(turn) as (endpoint, requests):
        assert isinstance(await ask(upstream, endpoint), Reply)
        assert isinstance(await ask(upstream, endpoint), Reply)
        assert requests == [(1, 1), (1, 2), (2, 1)]


async def test_it_is_replaced_only_once():
    async def turn(connection: int, request: int, writer: asyncio.StreamWriter) -> bool:
        if (connection, request) == (1, 1):
            writer.write(ANSWER)
            return True
        return False

    async with Upstream(lambda ip: None, tls=TRUST) as upstream, raw_server(turn) as (endpoint, requests):
        assert isinstance(await ask(upstream, endpoint), Reply)
        failure = await ask(upstream, endpoint)
        assert isinstance(failure, Failure)
        assert failure.trigger is Trigger.SERVER_ERROR
        assert len(requests) == 3


async def test_a_new_connection_that_dies_is_a_failure():
    async def turn(connection: int, request: int, writer: asyncio.StreamWriter) -> bool:
        return False

    async with Upstream(lambda ip: None, tls=TRUST) as upstream, raw_server(turn) as (endpoint, requests):
        assert isinstance(await ask(upstream, endpoint), Failure)
        assert requests == [(1, 1)]


async def test_a_connection_that_dies_within_a_response_is_a_failure():
    async def turn(connection: int, request: int, writer: asyncio.StreamWriter) -> bool:
        writer.write(ANSWER if request == 1 else ANSWER[:20])
        return request == 1

    async with Upstream(lambda ip: None, tls=TRUST) as upstream, raw_server(turn) as (endpoint, requests):
        assert isinstance(await ask(upstream, endpoint), Reply)
        assert isinstance(await ask(upstream, endpoint), Failure)
        assert requests == [(1, 1), (1, 2)]


async def test_what_is_not_http_is_a_failure():
    async def turn(connection: int, request: int, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"SSH-2.0-OpenSSH_9\r\n\r\n")
        return False

    async with Upstream(lambda ip: None, tls=TRUST) as upstream, raw_server(turn) as (endpoint, _):
        failure = await ask(upstream, endpoint)
        assert isinstance(failure, Failure)
        assert failure.trigger is Trigger.SERVER_ERROR


async def test_a_stream_held_open_after_done_ends_for_the_client():
    async def turn(connection: int, request: int, writer: asyncio.StreamWriter) -> bool:
        event = b'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + event)
        return True

    async with Upstream(lambda ip: None, tls=TRUST) as upstream, raw_server(turn) as (endpoint, _):
        reply = await ask(upstream, endpoint, stream=True)
        assert isinstance(reply, Reply)
        assert len(await read_all(reply)) == 2


async def test_a_stream_that_never_gets_to_its_content_is_a_failure():
    async def turn(connection: int, request: int, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        writer.write(b'data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":null}]}\n\n' * 10_000)
        return True

    async with Upstream(lambda ip: None, tls=TRUST) as upstream, raw_server(turn) as (endpoint, _):
        failure = await ask(upstream, endpoint, stream=True)
        assert isinstance(failure, Failure)
        assert failure.trigger is Trigger.SERVER_ERROR


# TLS, with a certificate authority made here.


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, and server.pem and server.key for the address 127.0.0.1."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the command openssl")
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, env={**os.environ})

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout")
    openssl("req", "-x509", *new_key, "ca.key", "-out", "ca.pem", "-days", "1", "-subj", "/CN=test CA")
    openssl("req", *new_key, "server.key", "-out", "server.csr", "-subj", "/CN=model")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1", "-extfile", "names")
    openssl("x509", "-req", "-in", "server.csr", *signed, "-out", "server.pem")
    return folder


@asynccontextmanager
async def calling_tls(folder: Path, trust: ssl.SSLContext) -> AsyncIterator[Caller]:
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(folder / "server.pem", folder / "server.key")
    server = FaultServer(keep_bodies=True)
    async with serve(server, tls=own), Upstream(lambda ip: None, tls=trust) as upstream:
        yield Caller(upstream, server)


async def test_https_with_the_name_of_the_endpoint(authority: Path):
    async with calling_tls(authority, ssl.create_default_context(cafile=str(authority / "ca.pem"))) as caller:
        caller.endpoint = Endpoint("127.0.0.1", caller.server.port, tls=True)
        await read_all(await caller.reply(stream=True))
        assert caller.server.requests[-1].headers["host"] == f"127.0.0.1:{caller.server.port}"


async def test_https_with_a_wrong_name(authority: Path):
    async with calling_tls(authority, ssl.create_default_context(cafile=str(authority / "ca.pem"))) as caller:
        caller.endpoint = Endpoint("localhost", caller.server.port, tls=True)
        failure = await caller.fail()
        assert failure.trigger is Trigger.CONNECT_ERROR
        assert "certificate" in failure.message


async def test_https_with_an_unknown_authority(authority: Path):
    async with calling_tls(authority, ssl.create_default_context()) as caller:
        caller.endpoint = Endpoint("127.0.0.1", caller.server.port, tls=True)
        failure = await caller.fail()
        assert failure.trigger is Trigger.CONNECT_ERROR
        assert "certificate" in failure.message
