"""One attempt: admit, pick, call; what it held is given back exactly once, whatever happens."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from pointsman.core.decide.estimate import actual_cost
from pointsman.core.plan import Candidate
from pointsman.core.quota import Balance, Charge, Usage
from pointsman.core.resources.policy import Trigger
from pointsman.core.snapshot import Backend, Timeouts
from pointsman.runtime.uninterrupted import uninterrupted
from router_svc import spans
from router_svc.exchange import Denied, Endpoint, Failure, Grant, Payload, Reply

_COOLDOWNS: Mapping[Trigger | None, float] = {Trigger.RATE_LIMITED: 1.0, Trigger.QUOTA_EXHAUSTED: 60.0}
"""Seconds for which a backend that says this, and does not say for how long, is left alone."""


class Ledger(Protocol):
    """Keeps quotas. Without its store, a ledger enforces its own share of each limit; it never admits without one."""

    async def admit(self, charges: tuple[Charge, ...]) -> Grant | Denied:
        """Set all charges aside, or none."""

    async def settle(self, grant: Grant, usage: Usage, cost: int, *, answered: bool = True) -> None:
        """Replace what was set aside by what was used; `cost` in picos. An attempt that was not `answered` counts as no
        request of its subject's: the next one will."""

    async def cancel(self, grant: Grant) -> None:
        """Give everything back."""

    async def balances(self, charges: tuple[Charge, ...]) -> Mapping[str, Balance]:
        """What is left, by charge key."""


class Lease(Protocol):
    """An endpoint that was picked, counted as busy until it is done."""

    @property
    def endpoint(self) -> Endpoint:
        """Its address."""

    def answered(self, first_token: float) -> None:
        """The first content of a stream has come, after these seconds."""

    def cool(self, seconds: float) -> None:
        """Leave this endpoint alone for a while; its backend's others are asked meanwhile."""

    def misconfigured(self) -> None:
        """Its answer spoke of misconfiguration; after several in a row the backend is left alone for a while."""

    def done(self, ok: bool | None, *, unreachable: bool = False) -> None:
        """Give it back: True if it answered, False if it failed, None if nothing was learnt."""


class Pool(Protocol):
    """Knows the endpoints of every backend."""

    def pick(self, backend_key: str) -> Lease | None:
        """The endpoint to ask; None when none may be asked now."""

    def cool(self, backend_key: str, seconds: float) -> None:
        """Leave a backend alone for a while."""


class Upstream(Protocol):
    """Talks to model servers."""

    async def call(
        self, endpoint: Endpoint, payload: Payload, timeouts: Timeouts, deadline: float, credential: str | None
    ) -> Reply | Failure:
        """Send a request; a stream is returned once its first content has arrived. `deadline` is monotonic."""


class Hold:
    """A quota grant and a busy endpoint, until the answer has ended."""

    def __init__(self, ledger: Ledger, grant: Grant, lease: Lease, backend: Backend, call: spans.Call) -> None:
        self._ledger, self._grant, self._lease, self._backend, self._call = ledger, grant, lease, backend, call

    def answered(self, first_token: float) -> None:
        """The first content of a stream has come, after these seconds."""
        self._lease.answered(first_token)

    async def release(self, usage: Usage, *, ok: bool | None, unreachable: bool = False, answered: bool = True) -> int:
        """Settle by what was used, and free the endpoint. Returns the cost in picos."""
        self._call.ended()
        self._lease.done(ok, unreachable=unreachable)
        if usage.total_tokens == 0 and not ok:
            await self._ledger.cancel(self._grant)
            return 0
        cost = actual_cost(usage, self._backend)
        await self._ledger.settle(self._grant, usage, cost, answered=answered)
        return cost


class Order(msgspec.Struct, frozen=True):
    """What is to be tried: one candidate with everything that its call needs."""

    candidate: Candidate
    backend: Backend
    payload: Payload
    timeouts: Timeouts
    deadline: float
    """Monotonic seconds."""
    credential: str | None
    prompt_tokens: int
    trace: spans.Trace = spans.OFF


class Attempts:
    """Makes attempts."""

    def __init__(self, ledger: Ledger, pool: Pool, upstream: Upstream) -> None:
        self._ledger, self._pool, self._upstream = ledger, pool, upstream

    async def make(self, order: Order) -> tuple[Reply, Hold] | Failure | Denied:
        """Try one candidate. With a reply comes what it holds, which the caller releases when the answer has ended."""
        key = order.candidate.backend
        granted = await self._ledger.admit(order.candidate.charges)
        if isinstance(granted, Denied):
            return granted
        lease = self._pool.pick(key)
        if lease is None:
            await uninterrupted(self._ledger.cancel(granted))
            message = "no endpoint may be asked now"
            return Failure(trigger=Trigger.CONNECT_ERROR, message=message, endpoint_fault=False)
        call = order.trace.calling(lease.endpoint, order.payload.path)
        hold = Hold(self._ledger, granted, lease, order.backend, call)
        try:
            outcome = await self._upstream.call(
                lease.endpoint, _in_context(order.payload, call), order.timeouts, order.deadline, order.credential
            )
        except BaseException:  # the client left: the model server may have read the prompt by now
            read = Usage(prompt_tokens=order.prompt_tokens, estimated=True)
            await uninterrupted(hold.release(read, ok=None))
            raise
        if isinstance(outcome, Reply):
            call.answered(outcome.status)
            return outcome, hold
        call.failed(outcome.received, str(outcome.trigger or "Rejected"))
        self._cool(key, lease, outcome)
        unreachable = outcome.trigger is Trigger.CONNECT_ERROR
        ok = False if outcome.endpoint_fault else None
        await uninterrupted(hold.release(outcome.usage, ok=ok, unreachable=unreachable, answered=False))
        return outcome

    def _cool(self, key: str, lease: Lease, failure: Failure) -> None:
        """Leave alone what cannot answer anyone now.

        Rates and quotas are the backend's, so all its endpoints share them; overload is one endpoint's. Other failures
        ask for no wait, whatever their Retry-After says: they may be the request's own fault.
        """
        wait = failure.retry_after
        if (default := _COOLDOWNS.get(failure.trigger)) is not None:
            self._pool.cool(key, default if wait is None else wait)
        elif failure.trigger is Trigger.OVERLOADED and wait is not None:
            lease.cool(wait)
        elif failure.misconfigured:
            lease.misconfigured()


def _in_context(payload: Payload, call: spans.Call) -> Payload:
    """What is sent, with this attempt's trace context in place of the client's."""
    if not call.headers:
        return payload
    return msgspec.structs.replace(payload, headers={**payload.headers, **call.headers})
