"""The schemas of a real API server, one file a kind, as kubeconform reads them."""

import json
from pathlib import Path
from typing import Any

_REFERENCE = "#/definitions/"
_ANY = {"io.k8s.apimachinery.pkg.util.intstr.IntOrString", "io.k8s.apimachinery.pkg.api.resource.Quantity"}
LOCATION = "{{ .ResourceKind }}{{ .KindSuffix }}.json"


def write(openapi: dict[str, Any], folder: Path) -> None:
    """`openapi` is what /openapi/v2 answers. Fields that a type does not have are refused."""
    definitions = {name: _strict(name, definition) for name, definition in openapi["definitions"].items()}
    (folder / "definitions.json").write_text(json.dumps({"definitions": definitions}))
    for name, definition in openapi["definitions"].items():
        for kind in definition.get("x-kubernetes-group-version-kind", ()):
            group = f"-{kind['group'].split('.')[0]}" if kind["group"] else ""
            file = folder / f"{kind['kind'].lower()}{group}-{kind['version']}.json"
            file.write_text(json.dumps({"$ref": f"definitions.json{_REFERENCE}{name}"}))


def _strict(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    if name in _ANY:
        return {"type": ["string", "integer", "number"]}
    if "properties" in definition and "x-kubernetes-preserve-unknown-fields" not in definition:
        return definition | {"additionalProperties": False}
    return definition
