"""The project's images, built on the local base, under the names that the chart gives them on `localhost`."""

import tomllib
from pathlib import Path

from tests.cluster import images, pins, programs

ROOT = Path(__file__).parents[2]
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
REGISTRY = "localhost"
OWN = ("operator", "router", "demo")
OBSERVABILITY = Path(__file__).parent / "observability"


def tag(name: str) -> str:
    return f"{REGISTRY}/pointsman-{name}:{VERSION}"


def build(name: str) -> Path:
    """The saved image; seconds when nothing changed, minutes the first time."""
    return images.build(tag(name), ROOT, ROOT / "images" / name / "Dockerfile", {"BASE": images.BASE})


def build_observability() -> list[Path]:
    """The saved images of a collector and of Phoenix, under the names in `observability/manifests.yaml`."""
    programs.build([pins.COLLECTOR])
    program = pins.program(pins.COLLECTOR).file
    name = f"{REGISTRY}/pointsman-test"
    collector, phoenix = (OBSERVABILITY / f"{each}.Dockerfile" for each in ("collector", "phoenix"))
    return [
        images.build(f"{name}-collector:1", program.parent, collector, {"PROGRAM": program.name}),
        images.build(f"{name}-phoenix:1", ROOT, phoenix, {"BASE": images.BASE}),
    ]
