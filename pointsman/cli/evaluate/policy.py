"""The policy that is evaluated, as a router would have it. People evaluate before they have models: a policy whose
backends are not there yet is evaluated all the same."""

from pathlib import Path

import msgspec

from pointsman.cli import explaining
from pointsman.core.errors import ConfigError
from pointsman.core.snapshot import Backend, Policy, Preference, Snapshot

_STAND_IN = Backend(namespace="evaluation", name="stand-in", model="stand-in")


class Ruling(msgspec.Struct, frozen=True):
    """A policy in force, and the snapshot that it is part of."""

    snapshot: Snapshot
    policy: Policy
    model: str
    """The virtual name to ask for."""
    notes: tuple[str, ...] = ()
    """What its user should know of how it was made usable."""


def load_policy(folder: Path, model: str = "") -> Ruling:
    """The policy of a folder that answers to `model`, or to the folder's usual name. Raises ConfigError.

    A policy none of whose backends resolve would refuse every request; a stand-in takes their place, which changes
    nothing about its routes.
    """
    loaded = explaining.load(folder)
    snapshot, notes = loaded.snapshot, []
    name = model or explaining.usual_model(snapshot)
    policy = snapshot.virtual_names.get(name)
    if policy is None:
        known = ", ".join(sorted(snapshot.virtual_names)) or "none"
        fix = f"see: pointsman lint {folder}" if known == "none" else "name one of them with --model"
        raise ConfigError(f"{folder}: no usable policy answers to {name} (virtual names: {known}); {fix}")
    missing = _unresolved(policy, folder, loaded.problems)
    if policy.problem:
        snapshot, policy = _with_stand_in(snapshot, policy)
    if missing:
        notes.append(missing)
    return Ruling(snapshot, policy, name, tuple(notes))


def _unresolved(policy: Policy, folder: Path, problems: tuple[object, ...]) -> str:
    if policy.problem:
        return "none of the policy's backends is defined in its folder; a stand-in answers for them"
    return f"{len(problems)} problems in this folder; see: pointsman lint {folder}" if problems else ""


def _with_stand_in(snapshot: Snapshot, policy: Policy) -> tuple[Snapshot, Policy]:
    default = msgspec.structs.replace(policy.default, backends=(Preference(backend=_STAND_IN.key),), selector={})
    mended = msgspec.structs.replace(policy, default=default, problem="")
    policies = {**snapshot.policies, mended.key: mended}
    backends = {**snapshot.backends, _STAND_IN.key: _STAND_IN}
    # made anew, as `replace` would keep what was cached of the old one
    return Snapshot(version=snapshot.version, features=snapshot.features, backends=backends, policies=policies), mended
