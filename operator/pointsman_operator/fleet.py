"""What the routers have in force, as they acknowledged it. Pure values; the stream keeps them current."""

from collections.abc import Mapping

import msgspec

from pointsman.core.compile import Condition, Status

_SHOWN = 3


class Follower(msgspec.Struct, frozen=True):
    """One router that follows."""

    name: str
    ready: bool = False
    """Whether it answers requests now."""
    holds: Mapping[tuple[str, str, str], str] = {}
    """Hashes of the objects in force there, by kind, namespace and name."""
    refusal: str = ""
    """Why it refused what came last; empty when it did not."""


Fleet = tuple[Follower, ...]
"""All routers that follow now."""


class Ready(msgspec.Struct, frozen=True):
    """The ready routers, prepared to be asked about every object."""

    routers: tuple[Follower, ...]
    """Sorted by name."""
    held: tuple[Mapping[tuple[str, str, str], str], ...]
    """What they hold, each different value once: most hold the very same."""


def ready_of(fleet: Fleet) -> Ready:
    """Those of a fleet that answer requests."""
    routers = tuple(sorted((each for each in fleet if each.ready), key=lambda each: each.name))
    return Ready(routers, tuple({id(each.holds): each.holds for each in routers}.values()))


_NOT_ACCEPTED = Condition(Status.FALSE, "NotAccepted", "No router is sent an object that is not accepted")
_NO_ROUTERS = Condition(Status.UNKNOWN, "NoRouters", "No ready router follows the control plane yet")
_PROGRAMMED = Condition(Status.TRUE, "Programmed", "In force on every ready router")


def programmed(name: tuple[str, str, str], digest: str | None, fleet: Ready) -> Condition:
    """Whether every ready router has this content of an object in force; no digest: none may have it."""
    if digest is None:
        return _NOT_ACCEPTED
    if not fleet.routers:
        return _NO_ROUTERS
    if all(held.get(name) == digest for held in fleet.held):
        return _PROGRAMMED
    ready = fleet.routers
    behind = [each for each in ready if each.holds.get(name) != digest]
    refused = [f"{each.name}: {each.refusal}" for each in behind if each.refusal]
    counted = f"In force on {len(ready) - len(behind)} of {len(ready)} ready routers"
    if refused:
        return Condition(Status.FALSE, "Refused", f"{counted}; refused by {'; '.join(refused[:_SHOWN])}")
    return Condition(Status.FALSE, "Pending", counted)
