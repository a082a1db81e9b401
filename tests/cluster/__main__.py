"""`python -m tests.cluster up | down | build | image TAG CONTEXT | load FILE`: a cluster for a person.

`up` and `build` print nothing but what a shell evaluates on stdout: eval "$(make -s cluster)".
"""

import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from tests.cluster import capabilities, images, node, pins, programs, slots
from tests.cluster.access import answers
from tests.cluster.down import down
from tests.cluster.files import locked, say


def main(arguments: list[str]) -> None:
    match arguments:
        case ["up"]:
            _require_node()
            with _one_at_a_time():
                print(_exports(_up()))
        case ["down"]:
            with _one_at_a_time():
                _down()
        case ["build"]:
            print(programs.build())
        case ["image", tag, context]:
            _require_node()
            images.prepare()
            print(images.build(tag, Path(context)))
        case ["load", archive]:
            if (slot := slots.kept()) is None:
                sys.exit("no cluster is up: make cluster")
            node.load(slot.folder, Path(archive))
        case _:
            sys.exit(__doc__)


def _up() -> slots.Slot:
    """The running one if it answers, else a new one."""
    slot = slots.kept()
    if slot and answers(f"https://{slot.node}:6443", slot.folder / "pki"):
        return slot
    _down()
    node.prepare()
    slot, lock = slots.claim()
    try:
        say(f"starting in {slot.folder}")
        node.start(slot)
        slot.keep()
    except BaseException:
        down(slot)
        raise
    finally:
        os.close(lock)
    return slot


def _down() -> None:
    """The person's cluster, and whatever killed test runs left."""
    if slot := slots.kept():
        slot.kept.unlink()
    for left in slots.sweep(down):
        say(f"removed {left.folder}")


def _exports(slot: slots.Slot) -> str:
    return f'export KUBECONFIG={slot.folder}/admin.kubeconfig\nexport PATH={pins.bin_folder()}:"$PATH"'


def _require_node() -> None:
    if lacks := capabilities.missing_for_node():
        sys.exit(f"a cluster on this machine needs {', '.join(lacks)}")


def _one_at_a_time() -> AbstractContextManager[None]:
    return locked(slots.BASE / "locks" / "person", waiting=lambda: say("another `make cluster` is at work, waiting"))


if __name__ == "__main__":
    main(sys.argv[1:])
