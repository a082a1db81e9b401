"""Follows the control plane: applies what it sends, acknowledges what is in force, and keeps the last good state.

When nobody answers, the router goes on with what it has (from disk, after a restart), and tries again with backoff and
jitter. `trouble` says so; nothing else changes.
"""

import asyncio
import logging
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from pathlib import Path

import grpc
import msgspec

from pointsman import __version__
from pointsman.core.features import FEATURES
from pointsman.core.wire import Decoded
from pointsman.runtime.uninterrupted import uninterrupted
from pointsman.v1 import snapshot_stream_pb2 as pb
from pointsman.v1 import snapshot_stream_pb2_grpc as rpc
from router_svc.source.loaded import Loaded
from router_svc.source.stream.held import NOTHING, Held, Refused, advance, loaded, snapshot_of, subscribe
from router_svc.source.stream.shelf import Shelf

log = logging.getLogger("pointsman.source")

FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0
"""Seconds before the first and before later tries; each wait is doubled, and shortened by chance."""
SAVE_EVERY = 2.0
"""Seconds between two writes to disk."""
_OPTIONS = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.use_local_subchannel_pool", 1),  # else a new channel would inherit the old one's backoff
)


class Peering(msgspec.Struct, frozen=True):
    """Who follows whom. Without files there is no TLS."""

    router: str
    """Unique among routers and stable: the pod's namespace/name."""
    address: str
    """HOST:PORT of the control plane's Service."""
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    server_name: str = ""
    """In the certificate of the control plane, where it is not the host of its Service."""


class ControlPlane:
    """One router's side of the stream."""

    def __init__(
        self,
        peering: Peering,
        shelf: Shelf,
        adopt: Callable[[Loaded], Awaitable[None]],
        ready: Callable[[], bool],
        chance: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`adopt` puts a state in force or raises; `chance` gives numbers from 0 to 1."""
        self._peering, self._shelf, self._adopt, self._ready, self._chance = peering, shelf, adopt, ready, chance
        self._sleep = sleep
        self._held = NOTHING
        self._decoded: Decoded | None = None
        self._unsaved = asyncio.Event()
        self._say: asyncio.Queue[pb.FollowRequest | None] = asyncio.Queue()
        self._waited = 0.0
        self._said_ready = False
        self.trouble = "the control plane has not answered yet"
        """Why nothing new arrives; empty when all is well."""
        self.ready_routers = 1
        """How many share every quota."""

    @property
    def position(self) -> tuple[int, int]:
        """Of what is in force."""
        return self._held.position

    async def restore(self) -> bool:
        """Put in force what was saved last; False when there is nothing. Raises SnapshotError when it is damaged."""
        saved = await asyncio.to_thread(self._shelf.load)
        if saved is None:
            return False
        decoded = snapshot_of(saved)
        await self._adopt(loaded(saved, decoded))
        self._held = saved
        self._decoded = decoded
        log.info("snapshot %s from disk in force", saved.wire.version[:12])
        return True

    async def forever(self) -> None:
        """Follow, and save what is in force, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._save_again())
            tasks.create_task(self._follow_again())

    async def _follow_again(self) -> None:
        address = self._peering.address
        while True:
            leader = ""
            try:
                leader = await self._follow(address)
                self.trouble = f"asking the leader, {leader}" if leader else "the control plane has no leader"
            except grpc.aio.AioRpcError as error:
                self.trouble = _why(error)
            except OSError as error:
                self.trouble = f"a certificate cannot be read: {error.strerror}"
            except Exception as error:  # a bug must not end the following for good
                log.exception("the stream was not understood")
                self.trouble = f"the control plane's answer was not understood: {type(error).__name__}"
            address = leader or self._peering.address
            self._waited = min(max(self._waited * 2, FIRST_WAIT), LONGEST_WAIT)
            await self._sleep(self._waited * (0.5 + self._chance() / 2))

    def say_readiness(self) -> None:
        """Tell the control plane whether this router answers requests, if that changed."""
        if self._ready() != self._said_ready:
            self._said_ready = self._ready()
            self._say.put_nowait(pb.FollowRequest(readiness=pb.Readiness(ready=self._said_ready)))

    async def _follow(self, address: str) -> str:
        """One stream, until it ends; the leader's address if this was not it."""
        self._say = asyncio.Queue()
        self._said_ready = self._ready()
        first = subscribe(self._held, self._peering.router, __version__, FEATURES, self._said_ready)
        self._say.put_nowait(pb.FollowRequest(subscribe=first))
        async with self._channel(address) as channel:
            call = rpc.SnapshotStreamStub(channel).Follow(self._requests(self._say))
            try:
                return await self._listen(call)
            finally:
                call.cancel()
                self._say.put_nowait(None)  # else the task that waits for what to say would outlive the call

    async def _listen(self, responses: AsyncIterable[pb.FollowResponse]) -> str:
        """Apply what comes, until nothing does; the leader's address if this was not it."""
        gathered = pb.Update()
        async for response in responses:
            kind = response.WhichOneof("message")
            if kind == "redirect":  # no reason to ask again sooner
                return response.redirect.leader
            self.trouble, self._waited = "", 0.0
            if kind == "fleet":
                self.ready_routers = max(1, response.fleet.ready_routers)
            elif kind == "update":
                gathered.MergeFrom(response.update)
                if response.update.complete:
                    await self._apply(response.position, gathered)
                    gathered = pb.Update()
        return ""

    async def _apply(self, position: pb.Position, update: pb.Update) -> None:
        """Put it in force and acknowledge it, or refuse it with the reason."""
        try:
            held = advance(self._held, position, update)
            await self._in_force(held)
        except Refused as refused:
            log.warning("an update was refused: %s", refused)
            nack = pb.Nack(position=position, reason=refused.reason, message=str(refused))
            self._say.put_nowait(pb.FollowRequest(nack=nack))
            return
        ack = pb.Ack(position=position, snapshot=held.wire.version)
        self._say.put_nowait(pb.FollowRequest(ack=ack))
        self.say_readiness()  # the first snapshot makes a router ready

    async def _in_force(self, held: Held) -> None:
        decoded = snapshot_of(held, self._decoded)
        try:
            await self._adopt(loaded(held, decoded))
        except Exception as error:
            raise Refused(pb.NACK_REASON_NOT_PREPARED, f"it could not be prepared: {type(error).__name__}") from error
        if held.wire.version != self._held.wire.version:
            policies, backends = len(decoded.snapshot.policies), len(decoded.snapshot.backends)
            log.info("snapshot %s in force: %d policies, %d backends", held.wire.version[:12], policies, backends)
        self._held, self._decoded = held, decoded
        self._unsaved.set()

    async def _save_again(self) -> None:
        """Save what is in force, at most every so often: a change of endpoints need not wait for the disk."""
        try:
            while True:
                await self._unsaved.wait()
                self._unsaved.clear()
                # a cancellation must not come between the flag and the disk: nothing would then save it at the end
                await uninterrupted(asyncio.to_thread(self._save, self._held))
                await asyncio.sleep(SAVE_EVERY)
        finally:
            if self._unsaved.is_set():
                self._save(self._held)

    def _save(self, held: Held) -> None:
        try:
            self._shelf.save(held)
        except OSError as error:  # a full disk must not keep a policy from working
            log.warning("the state is in force but was not saved: %s", error)

    def _channel(self, address: str) -> grpc.aio.Channel:
        who = self._peering
        if who.authority is None or who.certificate is None or who.key is None:
            return grpc.aio.insecure_channel(address, options=_OPTIONS)
        credentials = grpc.ssl_channel_credentials(
            who.authority.read_bytes(), who.key.read_bytes(), who.certificate.read_bytes()
        )
        # the leader that a replica names is a pod: every replica shows the certificate of their Service
        name = who.server_name or who.address.rpartition(":")[0]
        named = ("grpc.ssl_target_name_override", name)
        return grpc.aio.secure_channel(address, credentials, options=(*_OPTIONS, named))

    async def _requests(self, say: asyncio.Queue[pb.FollowRequest | None]) -> AsyncIterator[pb.FollowRequest]:
        while (request := await say.get()) is not None:
            yield request


def _why(error: grpc.aio.AioRpcError) -> str:
    """What a person must know: a refusal in its own words, anything else by its code."""
    if error.code() is grpc.StatusCode.PERMISSION_DENIED:
        return f"the control plane refuses this router: {error.details()}"
    return f"the control plane does not answer: {error.code().name}"
