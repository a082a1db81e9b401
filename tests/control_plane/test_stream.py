"""The stream between real gRPC ends: acknowledged, refused, redirected, restored from disk, under mutual TLS."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import msgspec
import pytest
from pointsman_operator.publisher import Publisher
from pointsman_operator.stream import server
from pointsman_operator.stream.server import Certificates

from pointsman.core.errors import SnapshotError
from tests.cluster import pki
from tests.control_plane.streams import Leadership, Router, backend, policy, programmed, world

SMALL = world(backend("a", "10.0.0.1"), policy("chat", "a"))
MOVED = world(backend("a", "10.0.0.9"), policy("chat", "a"))
LARGER = world(backend("a", "10.0.0.9"), backend("b", "10.0.0.2"), policy("chat", "a", "b"))


class Plane:
    """A control plane that leads or does not."""

    def __init__(self, epoch: int = 1, leading: bool = True) -> None:
        self.leadership = Leadership(epoch, leading)
        self.publisher = Publisher(self.leadership)
        self.leader = ""
        self.address = ""
        self.grpc: grpc.aio.Server

    def leads(self, leading: bool) -> None:
        self.leadership.leading = leading
        self.publisher.settle()

    async def start(self, certificates: Certificates | None = None, address: str = "127.0.0.1:0") -> "Plane":
        self.grpc, port = await server.start(address, self.publisher, lambda: self.leader, certificates)
        self.address = f"localhost:{port}"
        return self


@asynccontextmanager
async def running(*planes: Plane) -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        for plane in planes:
            stack.push_async_callback((await plane.start()).grpc.stop, 0)
        yield stack


def follow(stack: AsyncExitStack, router: Router) -> "asyncio.Task[None]":
    task = asyncio.create_task(router.client.forever())

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)
    return task


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is awaited happens in another task, or in gRPC
            await asyncio.sleep(0.01)


async def test_every_router_gets_it_and_acknowledges(tmp_path: Path) -> None:
    plane = Plane()
    async with running(plane) as stack:
        plane.publisher.publish(SMALL)
        routers = [Router(f"r{number}", plane.address, tmp_path) for number in range(3)]
        for router in routers:
            follow(stack, router)
        await until(lambda: programmed(plane.publisher, SMALL) == ["r0", "r1", "r2"])
        assert {router.version for router in routers} == {SMALL.wire.version}
        await until(lambda: all(router.client.ready_routers == 3 for router in routers))
        plane.publisher.publish(LARGER)
        await until(lambda: programmed(plane.publisher, LARGER) == ["r0", "r1", "r2"])
        assert routers[0].adopted[-1].endpoints["ai/a"][0].host == "10.0.0.9"
        assert len(routers[0].adopted) == 2


async def test_endpoints_alone_keep_the_snapshot(tmp_path: Path) -> None:
    plane = Plane()
    async with running(plane) as stack:
        plane.publisher.publish(SMALL)
        router = Router("r", plane.address, tmp_path)
        follow(stack, router)
        await until(lambda: router.adopted)
        plane.publisher.publish(MOVED)
        await until(lambda: len(router.adopted) == 2)
        assert router.adopted[0].snapshot == router.adopted[1].snapshot
        assert router.adopted[1].endpoints["ai/a"][0].host == "10.0.0.9"


async def test_what_cannot_be_prepared_is_refused_and_the_next_is_tried(tmp_path: Path) -> None:
    plane = Plane()
    async with running(plane) as stack:
        plane.publisher.publish(SMALL)
        router = Router("r", plane.address, tmp_path)
        follow(stack, router)
        await until(lambda: programmed(plane.publisher, SMALL))
        router.broken = True
        plane.publisher.publish(MOVED)
        await until(lambda: any(follower.refusal for follower in plane.publisher.fleet()))
        assert "could not be prepared" in plane.publisher.fleet()[0].refusal
        assert router.version == SMALL.wire.version
        router.broken = False
        plane.publisher.publish(LARGER)
        await until(lambda: programmed(plane.publisher, LARGER))
        assert not plane.publisher.fleet()[0].refusal


async def test_a_replica_that_does_not_lead_names_the_one_that_does(tmp_path: Path) -> None:
    follower, leader = Plane(leading=False), Plane(epoch=2)
    async with running(follower, leader) as stack:
        follower.leader = leader.address
        leader.publisher.publish(SMALL)
        router = Router("r", follower.address, tmp_path)
        follow(stack, router)
        await until(lambda: programmed(leader.publisher, SMALL) == ["r"])


async def test_a_new_leader_takes_over_and_no_router_steps_back(tmp_path: Path) -> None:
    first, second = Plane(epoch=1), Plane(epoch=2, leading=False)
    async with running(first, second) as stack:
        first.leader, second.leader = second.address, first.address
        for plane in (first, second):
            plane.publisher.publish(SMALL)
        router = Router("r", first.address, tmp_path)
        follow(stack, router)
        await until(lambda: programmed(first.publisher, SMALL))
        first.leads(False)
        second.leads(True)
        await until(lambda: programmed(second.publisher, SMALL) == ["r"])
        assert first.publisher.fleet() == ()
        second.publisher.publish(LARGER)
        await until(lambda: router.version == LARGER.wire.version)
        assert router.client.position == (2, 2)


async def test_a_leader_of_an_older_epoch_is_not_followed_back(tmp_path: Path) -> None:
    new, old = Plane(epoch=5), Plane(epoch=4)
    async with running(new, old) as stack:
        new.publisher.publish(LARGER)
        old.publisher.publish(SMALL)
        router = Router("r", new.address, tmp_path)
        task = follow(stack, router)
        await until(lambda: programmed(new.publisher, LARGER))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)  # it saves at its end
        again = Router("r", old.address, tmp_path)
        assert await again.client.restore()
        follow(stack, again)
        await until(lambda: "UNAVAILABLE" in again.client.trouble)
        assert again.version == LARGER.wire.version


async def test_a_router_starts_from_disk_while_nobody_answers(tmp_path: Path) -> None:
    plane = Plane()
    async with running(plane) as stack:
        plane.publisher.publish(LARGER)
        router = Router("r", plane.address, tmp_path)
        follow(stack, router)
        await until(lambda: programmed(plane.publisher, LARGER))
        await until((tmp_path / "r" / "state").exists)
    again = Router("r", "localhost:1", tmp_path)
    assert await again.client.restore()
    assert again.adopted[0].snapshot == LARGER.compilation.snapshot
    assert again.adopted[0].endpoints["ai/b"][0].host == "10.0.0.2"
    assert (tmp_path / "r" / "private" / "credentials").stat().st_mode & 0o777 == 0o600


async def test_client_keys_arrive_and_their_loss_lets_nobody_in(tmp_path: Path) -> None:
    plane, keys = Plane(), "keys: [{id: public, anonymous: true, tenant: public}]"
    async with running(plane) as stack:
        plane.publisher.publish(msgspec.structs.replace(SMALL, keys=keys))
        router = Router("r", plane.address, tmp_path)
        follow(stack, router)
        await until((tmp_path / "r" / "state").exists)
        assert router.adopted[-1].keys == keys
        assert b"tenant" not in (tmp_path / "r" / "state").read_bytes()
    (tmp_path / "r" / "private" / "credentials").unlink()
    again = Router("r", "localhost:1", tmp_path)
    assert await again.client.restore()
    assert again.adopted[-1].keys == ""


@pytest.mark.parametrize("damage", [lambda data: data[:-7], lambda data: data[:-7] + b"garbage", lambda _: b""])
async def test_a_damaged_disk_is_said_and_not_used(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    plane = Plane()
    async with running(plane) as stack:
        plane.publisher.publish(SMALL)
        router = Router("r", plane.address, tmp_path)
        follow(stack, router)
        await until((tmp_path / "r" / "state").exists)
    state = tmp_path / "r" / "state"
    state.write_bytes(damage(state.read_bytes()))
    again = Router("r", "localhost:1", tmp_path)
    with pytest.raises(SnapshotError, match="is damaged"):
        await again.client.restore()
    assert again.adopted == []
    assert not await Router("new", "localhost:1", tmp_path).client.restore()


async def test_mutual_tls_lets_only_routers_in(tmp_path: Path) -> None:
    keys = tmp_path / "pki"
    pki.create_authority(keys)
    for name in ("server", "router"):
        pki.create_certificate(keys, name, f"/CN={name}", ("DNS:localhost", "DNS:*.ai.router.pointsman.dev"))
    plane = Plane()
    await plane.start(Certificates(keys / "ca.crt", keys / "server.crt", keys / "server.key"))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(plane.grpc.stop, 0)
        plane.publisher.publish(SMALL)
        stranger = Router("stranger", plane.address, tmp_path)
        follow(stack, stranger)
        files = (keys / "ca.crt", keys / "router.crt", keys / "router.key")
        follow(stack, Router("ai/router", plane.address, tmp_path, files))
        await until(lambda: programmed(plane.publisher, SMALL) == ["ai/router"])
        await until(lambda: "UNAVAILABLE" in stranger.client.trouble)
