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


def programmed(name: tuple[str, str, str], digest: str | None, fleet: Fleet) -> Condition:
    """Whether every ready router has this content of an object in force; no digest: none may have it."""
    if digest is None:
        return Condition(Status.FALSE, "NotAccepted", "No router is sent an object that is not accepted")
    ready = sorted((each for each in fleet if each.ready), key=lambda each: each.name)
    if not ready:
        return Condition(Status.UNKNOWN, "NoRouters", "No ready router follows the control plane yet")
    behind = [each for each in ready if each.holds.get(name) != digest]
    if not behind:
        return Condition(Status.TRUE, "Programmed", "In force on every ready router")
    refused = [f"{each.name}: {each.refusal}" for each in behind if each.refusal]
    counted = f"In force on {len(ready) - len(behind)} of {len(ready)} ready routers"
    if refused:
        return Condition(Status.FALSE, "Refused", f"{counted}; refused by {'; '.join(refused[:_SHOWN])}")
    return Condition(Status.FALSE, "Pending", counted)
