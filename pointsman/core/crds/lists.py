"""How the API server merges lists, by type and field; a list that is not here is replaced whole (atomic).

A map or set also refuses an entry that is given twice, without any cost. Lists of backends stay atomic: their key would
be namespace and name, and a namespace that is left out means the policy's own.
"""

from collections.abc import Mapping
from typing import Any

_SET: Mapping[str, Any] = {"x-kubernetes-list-type": "set"}


def _map(key: str) -> Mapping[str, Any]:
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


LISTS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("ModelBackendSpec", "aliases"): _SET,
    ("ModelBackendSpec", "replaces"): _map("name"),
    ("ModelBackendSpec", "quality"): _map("category"),
    ("Capabilities", "operations"): _SET,
    ("Reasoning", "efforts"): _SET,
    ("RoutingPolicySpec", "virtualModels"): _SET,
    ("RoutingPolicySpec", "routes"): _map("name"),
    ("RoutingPolicySpec", "modes"): _map("name"),
    ("RoutingPolicySpec", "quotas"): _map("name"),
    ("RoutingPolicySpec", "difficulty"): _map("atLeastPercent"),
    ("Match", "languages"): _SET,
    ("Match", "keywords"): _SET,
    ("Match", "headers"): _map("name"),
    ("Mode", "phrases"): _SET,
    ("QuotaMatch", "tenants"): _SET,
    ("QuotaMatch", "users"): _SET,
    ("QuotaMatch", "keys"): _SET,
    ("Fallback", "triggers"): _SET,
    ("ModelBackendStatus", "conditions"): _map("type"),
    ("RoutingPolicyStatus", "conditions"): _map("type"),
}
