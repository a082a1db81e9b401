"""What a requirements file pins, as this machine would install it."""

from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
AUDIT = ROOT / "build" / "audit" / "bin"
"""Programs of requirements/audit.txt, which `make` installs."""
IMAGES = {"router": ("images/router",), "operator": ("images/operator",), "demo": ("images/demo", "weights")}
"""Each image's files in requirements/. That of Triton is not here: its packages are NVIDIA's and its own."""


class Locked(NamedTuple):
    """One pinned package."""

    name: str
    version: str


def requirements(image: str) -> list[Path]:
    """The files that the image is made of."""
    return [ROOT / "requirements" / f"{each}.txt" for each in IMAGES[image]]


def packages(file: Path) -> list[Locked]:
    """What a file pins, without what is for other platforms."""
    lines = file.read_text().replace("\\\n", " ").splitlines()
    found = [Requirement(line.split("--hash")[0].strip()) for line in lines if "==" in line and line[0] not in "# -"]
    here = [each for each in found if each.marker is None or each.marker.evaluate()]
    return [Locked(canonicalize_name(each.name), str(each.specifier).removeprefix("==")) for each in here]
