"""Gateway API's ReferenceGrant, as far as the operator cares: clusters may have it or lack it."""

import json
from typing import Any

from pointsman.core.resources import GROUP
from tests.cluster.access import Access

GRANTS: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {
        "name": "referencegrants.gateway.networking.k8s.io",
        "annotations": {"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/2997"},
    },
    "spec": {
        "group": "gateway.networking.k8s.io",
        "names": {"kind": "ReferenceGrant", "plural": "referencegrants"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1beta1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


def install_grants(access: Access) -> None:
    """The kind is served afterwards."""
    access.apply(json.dumps(GRANTS))
    access.established(f"crd/{GRANTS['metadata']['name']}")


def grant(namespace: str, kind: str, home: str, to: dict[str, str]) -> dict[str, Any]:
    """Objects of one of our kinds in namespace `home` may refer to some of this namespace."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1beta1",
        "kind": "ReferenceGrant",
        "metadata": {"name": f"from-{home}", "namespace": namespace},
        "spec": {"from": [{"group": GROUP, "kind": kind, "namespace": home}], "to": [to]},
    }
