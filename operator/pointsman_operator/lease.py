"""Leadership by a Lease: one replica at a time writes statuses and serves snapshots.

Every start of a process is a holder of its own, so that each change of leadership, a restart included, raises the epoch
(`leaseTransitions`). Expiry is judged by the own clock, from when a renewal was seen: clocks of nodes may differ.
Without the API server nobody's lease is renewed: the leader stops writing, and routers go on with what they have.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pointsman_operator.api import Api, ApiError, ApiUnreachable

log = logging.getLogger("pointsman.lease")

DURATION = 7
"""Seconds that a lease holds without renewal: a replica that dies is replaced within ten."""
PERIOD = 1.0
"""Seconds between two looks."""
MARGIN = 2.0
"""Seconds by which a leader stops before others may start."""
ADDRESS = "pointsman.dev/address"
"""Annotation that says where the leader serves snapshots."""


class Lease:
    """One candidate for leadership."""

    def __init__(
        self,
        api: Api,
        namespace: str,
        name: str,
        holder: str,
        address: str,
        changed: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`holder` is unique among all starts of all replicas; `changed` is told when leadership was won or lost."""
        self._api, self._name, self._holder, self._address, self._clock = api, name, holder, address, clock
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._changed, self._sleep = changed, sleep
        self._trouble = ""
        self._until = float("-inf")
        self._told = False
        """Whether this replica led when `changed` was called last, and has done so ever since."""
        self._seen: tuple[object, float] = (None, 0.0)
        self._leader = ""
        self._turned = clock()
        self.epoch = 0
        """Of the current leadership."""

    @property
    def leading(self) -> bool:
        """Whether this replica may write and serve now."""
        return self._clock() < self._until

    @property
    def leader(self) -> str:
        """Address of the leader, if one is known: this replica's own only while it leads."""
        return "" if self._leader == self._address and not self.leading else self._leader

    @property
    def idle(self) -> float:
        """Seconds since the loop last turned."""
        return self._clock() - self._turned

    async def forever(self) -> None:
        """Win the lease, renew it, or wait for its end, until cancelled."""
        while True:
            self._turned = self._clock()
            try:
                async with asyncio.timeout(DURATION - MARGIN):  # wait_for can lose a cancellation
                    await self._look()
                self._say("")
            except TimeoutError:
                self._say("no answer in time")
            except (ApiError, ApiUnreachable) as error:
                self._say(str(error))
            if self.leading != self._told:
                self._told = self.leading
                log.info("leading since epoch %d" if self._told else "no longer leading (epoch %d)", self.epoch)
                self._changed()
            await self._sleep(PERIOD)

    def _say(self, trouble: str) -> None:
        """Once, not every second of an outage."""
        if trouble and trouble != self._trouble:
            log.warning("the lease could not be renewed or taken: %s", trouble)
        self._trouble = trouble

    async def release(self) -> None:
        """Let another replica lead at once."""
        if not self.leading:
            return
        self._until = float("-inf")
        try:
            lease = await self._api.call("GET", f"{self._path}/{self._name}")
            if lease["spec"].get("holderIdentity") == self._holder:
                await self._replace(lease, {**lease["spec"], "holderIdentity": ""})
        except (ApiError, ApiUnreachable) as error:
            log.warning("the lease was not released and will expire: %s", error)

    async def _look(self) -> None:
        started = self._clock()
        try:
            lease = await self._api.call("GET", f"{self._path}/{self._name}")
        except ApiError as error:
            if error.status != 404:
                raise
            await self._create(started)
            return
        spec = lease["spec"]
        holder = spec.get("holderIdentity") or ""
        if holder == self._holder:
            await self._hold(lease, int(spec.get("leaseTransitions") or 0), started)
        elif not holder or self._expired(spec):
            await self._hold(lease, int(spec.get("leaseTransitions") or 0) + 1, started)
        else:
            self._until = float("-inf")
            self._leader = (lease["metadata"].get("annotations") or {}).get(ADDRESS, "")

    def _expired(self, spec: Mapping[str, Any]) -> bool:
        """Whether nobody renewed it for its duration, as this replica saw it."""
        renewal = (spec.get("holderIdentity"), spec.get("renewTime"))
        if self._seen[0] != renewal:
            self._seen = (renewal, self._clock())
        return self._clock() - self._seen[1] > float(spec.get("leaseDurationSeconds") or DURATION)

    async def _create(self, started: float) -> None:
        """Epochs must grow even when somebody deleted the Lease: a new one starts at the minutes since 1970."""
        epoch = int(time.time() // 60)
        metadata = {"name": self._name, "annotations": {ADDRESS: self._address}}
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": self._spec(epoch),
        }
        await self._api.call("POST", self._path, body=body)
        self._won(epoch, started)

    async def _hold(self, lease: Mapping[str, Any], epoch: int, started: float) -> None:
        await self._replace(lease, {**lease["spec"], **self._spec(epoch)})
        self._won(epoch, started)

    async def _replace(self, lease: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        """Fails when another replica was quicker: the resourceVersion is part of the object."""
        metadata = lease["metadata"]
        annotations = {**(metadata.get("annotations") or {}), ADDRESS: self._address}
        body = {**lease, "metadata": {**metadata, "annotations": annotations}, "spec": spec}
        await self._api.call("PUT", f"{self._path}/{self._name}", body=body)

    def _won(self, epoch: int, started: float) -> None:
        if not self.leading:  # it may have ended by itself since it was told, and what was done meanwhile was refused
            self._told = False
        self.epoch, self._leader, self._until = epoch, self._address, started + DURATION - MARGIN

    def _spec(self, epoch: int) -> dict[str, Any]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": self._holder, "leaseDurationSeconds": DURATION, "renewTime": now}
        return {**spec, "leaseTransitions": epoch}
