"""Asks one Triton server to analyse texts, and watches whether it is well.

Health is an inference: a known text is sent every few seconds, and its embedding compared with what the embedded
classifier makes of it. A server that is gone, hangs, has lost its models, or serves another encoder is not asked by
requests until a probe is answered again, over a new channel; a probe costs it a few milliseconds a second. A new
release of the model is probed before its answers are used.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import msgspec
import numpy as np
import numpy.typing as npt

from router_svc.triton.breaker import Breaker
from router_svc.triton.connection import Connection, Inferred, NoAnswer, Rows
from router_svc.triton.known import Forgetful, Known, Memory

log = logging.getLogger(__name__)

Headers = Callable[[], Mapping[str, str]]
"""The current trace's context as gRPC metadata."""


LIKENESS = 0.98
"""Least cosine of embeddings by one encoder; other precisions of it give .998 and more."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A server, and what is agreed with it."""

    address: str
    """HOST:PORT."""
    outputs: Mapping[str, int]
    """The outputs of its ensemble and their widths; `embedding` is one of them."""
    probe: str
    """A known text."""
    expected: npt.NDArray[np.float32]
    """Its embedding by the embedded classifier, unit length."""
    likeness: float = LIKENESS
    """Least cosine of a probe's embedding with it."""
    max_in_flight: int = 64
    """Requests at once; beyond it, there is no answer."""
    interval: float = 5.0
    """Seconds between probes of a server that is well."""
    retry: float = 0.5
    """Seconds between probes of one that is not."""
    patience: float = 1.0
    """Seconds that a probe may take."""


class Triton:
    """Use from one event loop, between `start` and `aclose`."""

    def __init__(self, target: Target, headers: Headers = dict, memory: Memory | None = None) -> None:
        """What `memory` knows is not sent; it forgets when another server or release may be answering."""
        self._target, self._headers = target, headers
        self._memory = memory or Forgetful()
        self._breaker = Breaker()
        self._release = ""
        self._in_flight = 0
        self._look = asyncio.Event()
        self._connection: Connection | None = None
        self._retired: list[Connection] = []
        self._watching: asyncio.Task[None] | None = None

    @property
    def well(self) -> bool:
        """Whether it is worth asking."""
        return not self._breaker.open

    @property
    def state(self) -> str:
        """Which release answers, or why none does."""
        return f"release {self._release}" if self.well else self._breaker.reason

    @property
    def idle(self) -> bool:
        """Whether no request waits for it."""
        return self._in_flight == 0

    def start(self) -> None:
        """Begin to probe. It is not well before the first probe is answered."""
        self._connection = self._connect()
        self._watching = asyncio.create_task(self._watch())

    async def analyse(self, texts: Sequence[str], seconds: float) -> Rows | None:
        """The outputs for some texts, shape (texts, width) each; None when they are not to be had in time."""
        connection = self._connection
        if connection is None or self._breaker.open:
            return None
        known = Known(self._memory, texts)
        if not known.missing:
            return known.complete(None, self._target.outputs)
        if self._in_flight >= self._target.max_in_flight:
            return None
        self._in_flight += 1
        try:
            inferred = await connection.infer(known.missing, seconds, self._headers())
        except NoAnswer as error:
            self._failed(error)
            return None
        finally:
            self._in_flight -= 1
        if inferred.release != self._release:  # promoted or rolled back: a probe comes first
            self._failed(NoAnswer(f"release {inferred.release} is not probed yet", wrong=True))
            return None
        self._breaker.succeeded()
        return known.complete(inferred.rows, self._target.outputs)

    async def aclose(self) -> None:
        """End the probes and close the channels."""
        if self._watching is not None:
            await end(self._watching)
        for connection in (*self._retired, *filter(None, [self._connection])):
            await connection.close()
        self._connection, self._retired = None, []

    def _connect(self) -> Connection:
        return Connection(self._target.address, self._target.outputs)

    def _failed(self, error: NoAnswer) -> None:
        if self._breaker.failed(str(error), wrong=error.wrong):
            log.warning("Triton at %s does not answer: %s", self._target.address, self.state)
            self._look.set()

    async def _watch(self) -> None:
        while True:
            await self._probe()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._target.interval if self.well else self._target.retry):
                    await self._look.wait()
            self._look.clear()

    async def _probe(self) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            inferred = await connection.probe(self._target.probe, self._target.patience)
            self._compare(inferred)
        except NoAnswer as error:
            self._failed(error)
            if self._breaker.open:
                await self._reconnect(connection)
            return
        if self._breaker.open or inferred.release != self._release:
            self._release = inferred.release
            self._memory.forget()
            log.info("Triton at %s answers: release %s", self._target.address, self._release)
        self._breaker.probed()

    def _compare(self, inferred: Inferred) -> None:
        cosine = float(inferred.rows["embedding"][0] @ self._target.expected)
        if not cosine >= self._target.likeness:
            raise NoAnswer(f"release {inferred.release} embeds otherwise (cosine {cosine:.2f})", wrong=True)

    async def _reconnect(self, connection: Connection) -> None:
        """A hanging channel is replaced, so that a server which comes back at another address is found."""
        self._connection = self._connect()
        retired = [*self._retired, connection]
        self._retired = [each for each in retired if each.in_flight]
        for each in retired:
            if not each.in_flight:
                await each.close()


async def end(task: "asyncio.Task[None]") -> None:
    """Cancel a task and wait for its end; once more where the cancellation met an answer, and was lost with it."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=1.0)
