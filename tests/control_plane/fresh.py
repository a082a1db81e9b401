"""What the operator's snapshot must be: a compile of all that the API server has now."""

from pointsman_operator.watched import WATCHED

from pointsman.core.compile import Installation, compile_snapshot
from pointsman.core.parse import parse_objects
from tests.control_plane.calls import Caller


def fresh_version(caller: Caller) -> str:
    """What a compile of all that the API server has would be called."""
    listed = [
        {**body, "apiVersion": watched.api_version, "kind": watched.kind}
        for watched in WATCHED.values()
        for body in caller("GET", f"{watched.path}?labelSelector={watched.selector}")[1].get("items", ())
    ]
    return compile_snapshot(parse_objects(listed).resources, Installation()).snapshot.version
