"""What a report rests on, so that it can be made again."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from pointsman import __version__


class Provenance(NamedTuple):
    """Command, data, and the versions that decide the result."""

    command: str
    data: str
    """Name of the file, without its folder."""
    sha256: str
    classifier: str
    versions: dict[str, str]

    def as_json(self) -> dict[str, object]:
        """For --json."""
        return {
            "command": self.command,
            "data": {"file": self.data, "sha256": self.sha256},
            "classifier": self.classifier,
            "versions": self.versions,
        }


def provenance(command: str, data: str, sha256: str, classifier: str) -> Provenance:
    """Of this process."""
    found = {"pointsman": __version__, "python": platform.python_version()}
    for package in ("numpy", "onnxruntime"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a server's classifier needs no onnxruntime here
            continue
    return Provenance(command, data, sha256, classifier, found)


def one_thread() -> None:
    """Times are of one thread; linear algebra must be told before it is loaded."""
    if "numpy" not in sys.modules:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(name, "1")
