"""What each image is made of, as CycloneDX with licences: build/sbom. Fails unless every locked package is there, under
an allowed one.

Licences are those that the packages in this environment state. One that is not installed here has none, and fails.
"""

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from locked import AUDIT, IMAGES, ROOT, packages, requirements
from packaging.utils import canonicalize_name

FOLDER = ROOT / "build" / "sbom"
ALLOWED = frozenset(
    "0BSD Apache-2.0 BSD-2-Clause BSD-3-Clause CC0-1.0 ISC MIT MIT-0 MPL-2.0 PSF-2.0 Zlib".split()  # noqa: SIM905  # read as a line
)
"""May be part of an image: none asks anything of those who only use or pass it on with its notices."""
WORDS = {
    "Apache 2.0": "Apache-2.0",
    "MIT License": "MIT",
    "3-Clause BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""What packages without an SPDX expression write."""


def main() -> None:
    """Writes all documents, then says everything that is wrong."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    for image in IMAGES:
        components = [each for file in requirements(image) for each in _components(file)]
        for each in components:
            each["licenses"] = [{"expression": licence(each["name"])}]
        wrong += [f"{image}: {problem}" for problem in problems(image, components)]
        document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}
        (FOLDER / f"{image}.cdx.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
        print(f"build/sbom/{image}.cdx.json: {len(components)} packages")
    if wrong:
        sys.exit("\n".join(wrong))


def _components(file: Path) -> list[dict[str, Any]]:
    """As cyclonedx-py reads a requirements file, without what is for other platforms."""
    command = [str(AUDIT / "cyclonedx-py"), "requirements", str(file), "--output-reproducible", "--sv", "1.6"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own
    wanted = set(packages(file))
    found = json.loads(done.stdout)["components"]
    for each in found:
        each["bom-ref"] = f"{file.stem}-{each['bom-ref']}"
    return [each for each in found if (canonicalize_name(each["name"]), each.get("version")) in wanted]


def problems(image: str, components: list[dict[str, Any]]) -> list[str]:
    """Locked packages that the components lack, and those under a licence that is not allowed."""
    named = {(canonicalize_name(each["name"]), each["version"]) for each in components}
    lacking = [each for file in requirements(image) for each in packages(file) if each not in named]
    refused = [each for each in components if not allowed(each["licenses"][0]["expression"])]
    return [
        *(f"{each.name} {each.version} is locked and not in the document" for each in lacking),
        *(f"{each['name']}: licence {each['licenses'][0]['expression']!r} is not allowed" for each in refused),
    ]


def licence(name: str) -> str:
    """An SPDX expression, or what the package says instead; NOASSERTION if it is not installed or says nothing."""
    try:
        stated = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return "NOASSERTION"
    classifiers = [each.rpartition(":: ")[2] for each in stated.get_all("Classifier") or [] if "License ::" in each]
    words = stated["License-Expression"] or stated["License"] or " AND ".join(classifiers) or "NOASSERTION"
    return WORDS.get(words, words)


def allowed(expression: str) -> bool:
    """Of alternatives one must be, of several that hold together all."""
    plain = expression.replace("(", "").replace(")", "")
    return all(any(each in ALLOWED for each in part.split(" OR ")) for part in plain.split(" AND "))


if __name__ == "__main__":
    main()
