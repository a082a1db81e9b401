"""The state that one decision sees: breakers, load, quota left, session; read once."""

from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from pointsman.core.decide.charges import backend_charges, subject_probes
from pointsman.core.quota import Balance, Charge
from pointsman.core.request import Request
from pointsman.core.resolve import Target
from pointsman.core.snapshot import Snapshot
from pointsman.core.state import BackendState, SessionState, State


class Pool(Protocol):
    """Knows how backends are doing."""

    def states(self, keys: Iterable[str]) -> Mapping[str, BackendState]:
        """State by backend key."""


class Ledger(Protocol):
    """Knows what is left of limits."""

    async def balances(self, charges: tuple[Charge, ...]) -> Mapping[str, Balance]:
        """Balance by charge key."""


async def read_state(
    snapshot: Snapshot,
    request: Request,
    target: Target,
    session: SessionState | None,
    now: float,
    pool: Pool,
    ledger: Ledger,
) -> State:
    """Everything that changes under the snapshot, as far as this request's candidates and quotas go."""
    policy = target.policy
    keys = {target.backend.key} if target.backend is not None else set()
    probes: tuple[Charge, ...] = ()
    if policy is not None:
        keys |= snapshot.backends_of[policy.key]
        probes = subject_probes(policy, request)
    limits = {key: backend_charges(snapshot.backends[key], request) for key in keys if key in snapshot.backends}
    balances = await ledger.balances((*probes, *(charge for charges in limits.values() for charge in charges)))
    states = {
        key: msgspec.structs.replace(state, headroom=_headroom(limits.get(key, ()), balances))
        for key, state in pool.states(keys).items()
    }
    return State(now=now, backends=states, balances=balances, session=session)


def _headroom(charges: tuple[Charge, ...], balances: Mapping[str, Balance]) -> float:
    """The smallest share that is left of any limit."""
    left = (balances[charge.key].remaining / charge.limit for charge in charges if charge.key in balances)
    return min((max(share, 0.0) for share in left), default=1.0)
