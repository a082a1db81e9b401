"""Our Triton in the cluster, and what tests ask of it."""

import re
import time
import urllib.request
from typing import Any

from tests.cluster.fixtures import Cluster
from tests.e2e import images
from tests.e2e.installation import RELEASE, Installation
from tests.e2e.log import note
from tests.support.waiting import eventually

OPTIONS = (
    "--set",
    "router.classifier=Triton",
    "--set-json",  # one node for all
    'triton.resources={"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "2Gi"}}',
)
"""For `Installation.install`."""


def load(cluster: Cluster) -> None:
    """Gives the node the image; call it past pytest's capturing."""
    if cluster.node:
        begin = time.monotonic()
        archive = images.build("triton-cpu")
        cluster.load(archive)
        size = archive.stat().st_size / 2**20
        note(f"image triton-cpu: {size:.0f} MiB, built and loaded in {time.monotonic() - begin:.0f} s")


def start(installation: Installation, *options: str) -> None:
    """Installs with Triton and returns once every router asks it."""
    installation.install(*OPTIONS, *options)
    for name in ("operator", "triton", "router"):
        installation.rolled_out(f"{RELEASE}-{name}", seconds=400)
    asked(installation)


def stop(installation: Installation) -> None:
    """Installs without it."""
    installation.install()
    installation.ready()


def asked(installation: Installation, seconds: float = 120) -> None:
    """Returns once every router asks Triton."""
    eventually(lambda: all(release(pod) for pod in installation.pods("router")), "every router asks Triton", seconds)


def release(pod: dict[str, Any]) -> str:
    """Which of Triton's releases classifies for a router; nothing for one that does it itself, or does not answer."""
    try:
        with urllib.request.urlopen(f"http://{pod['status']['podIP']}:8080/readyz", timeout=5) as answer:
            said = re.search(r"Triton at [^ ]+: release (\d+)", answer.read().decode())
    except (OSError, KeyError):
        return ""
    return said[1] if said else ""
