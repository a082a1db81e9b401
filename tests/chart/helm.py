"""Helm 3 and Helm 4 as tests use them."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "pointsman"
PROFILES = sorted((CHART / "profiles").glob("*.yaml"))
NAMESPACE = "pointsman-system"
KUBERNETES = "1.36.0"  # without a cluster to ask, Helm would take its own idea of one


@dataclass(frozen=True)
class Helm:
    """One of the two."""

    program: Path

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [str(self.program), *arguments]
        result = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
        assert not check or result.returncode == 0, result.stderr
        return result

    def rendered(self, *options: str) -> str:
        where = ("--namespace", NAMESPACE, "--kube-version", KUBERNETES)
        text = self.run("template", "pointsman", str(CHART), *where, *options).stdout
        return re.sub(r"\n+(---\n|$)", r"\n\1", text)  # only one of them leaves empty lines at a document's end

    def objects(self, *options: str) -> list[dict[str, Any]]:
        return [each for each in yaml.safe_load_all(self.rendered(*options)) if each]

    def refusal(self, *values: str, **whole: Any) -> str:
        """What is said about bad values."""
        options = [option for value in values for option in ("--set", value)]
        options += [option for name, value in whole.items() for option in ("--set-json", f"{name}={json.dumps(value)}")]
        where = ("--namespace", NAMESPACE, "--kube-version", KUBERNETES)
        result = self.run("template", "pointsman", str(CHART), *where, *options, check=False)
        assert result.returncode, "it was taken"
        return result.stderr


def by_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


def options_of(profile: Path | None) -> tuple[str, ...]:
    return ("--values", str(profile)) if profile else ()
