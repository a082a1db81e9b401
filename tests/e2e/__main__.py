"""`python -m tests.e2e`: builds the images of the chart and its example, and gives them to `make cluster`'s node."""

import sys

from tests.cluster import node, slots
from tests.cluster.files import say
from tests.e2e import images


def main() -> None:
    slot = slots.kept()
    if slot is None:
        sys.exit('no cluster is up: eval "$(make -s cluster)"')
    for name in images.OWN:
        say(f"image {images.tag(name)}")
        node.load(slot.folder, images.build(name))


main()
