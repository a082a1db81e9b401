"""The project's images, built on the local base, under the names that the chart gives them on `localhost`."""

import tomllib
from pathlib import Path

from tests.cluster import images

ROOT = Path(__file__).parents[2]
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
REGISTRY = "localhost"
OWN = ("operator", "router", "demo")


def tag(name: str) -> str:
    return f"{REGISTRY}/pointsman-{name}:{VERSION}"


def build(name: str) -> Path:
    """The saved image; seconds when nothing changed, minutes the first time."""
    return images.build(tag(name), ROOT, ROOT / "images" / name / "Dockerfile", {"BASE": images.BASE})
