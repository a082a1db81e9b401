"""What the cluster is made of (pins.toml), and where the results are cached."""

import hashlib
import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("POINTSMAN_CLUSTER_CACHE") or Path.home() / ".cache/pointsman-cluster")
PINS: dict[str, Any] = tomllib.loads((HERE / "pins.toml").read_text())

# What a control plane alone needs, in the order of building; a whole cluster needs NODE.
API_SERVER = ("etcd", "kubectl", "kube-apiserver")
CONTROLLERS = "kube-controller-manager"
ALL = tuple(PINS["programs"])
# The chart's tests need no cluster, and a cluster not these.
CHART = ("helm", "helm3", "kubeconform")
COLLECTOR = "collector"
"""Of traces; the end-to-end tests put it into an image."""
NODE = tuple(name for name in ALL if name == "helm" or name not in (*CHART, COLLECTOR))


@dataclass(frozen=True)
class Program:
    """One program: the Go module that has it, and the package or the source file that is its main."""

    name: str
    module: str
    path: str
    version: str
    package: str
    source: str
    stamp: str
    replaces: tuple[str, ...]
    requires: tuple[str, ...]
    """Other modules that its source imports, each with its version."""

    @property
    def key(self) -> str:
        """Changes exactly when the program would."""
        told = [value for field, value in vars(self).items() if field != "requires" or value]
        return hashlib.sha256(json.dumps([self.name, *told]).encode()).hexdigest()[:12]

    @property
    def file(self) -> Path:
        return CACHE / "programs" / f"{self.name}-{self.version}-{self.key}"


def program(name: str) -> Program:
    entry = PINS["programs"][name]
    module = PINS["modules"][entry["module"]]
    return Program(
        name=name,
        module=entry["module"],
        path=module.get("path", ""),
        version=module["version"],
        package=entry.get("package", ""),
        source=(HERE / entry["source"]).read_text() if "source" in entry else "",
        stamp=module.get("stamp", ""),
        replaces=tuple(
            f"k8s.io/{name} => k8s.io/{name} {module['staging_version']}" for name in module.get("staging", ())
        ),
        requires=tuple(module.get("requires", ())),
    )


def bin_folder() -> Path:
    """A folder for PATH, with links to the programs of exactly these pins."""
    key = hashlib.sha256("".join(program(name).key for name in ALL).encode()).hexdigest()[:12]
    return CACHE / key / "bin"
