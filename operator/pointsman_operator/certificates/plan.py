"""Where certificates are kept, and for which names."""

from pathlib import Path

import msgspec

from pointsman_operator.stream.identity import DOMAIN


class Plan(msgspec.Struct, frozen=True):
    """What is kept where. Secrets are NAME-ca, NAME-operator-tls and NAME-router-tls."""

    namespace: str
    name: str
    service: str
    """Of the operator: whom routers ask for."""
    folder: Path
    """Gets ca.crt, tls.crt and tls.key of the operator; on memory-backed storage."""

    @property
    def operator_names(self) -> tuple[str, ...]:
        """What routers may call the operator."""
        where = f"{self.service}.{self.namespace}"
        return (f"{where}.svc", where, self.service, f"{where}.svc.cluster.local")

    @property
    def router_names(self) -> tuple[str, ...]:
        """All routers of this namespace, as `stream.identity` reads it."""
        return (f"*.{self.namespace}.{DOMAIN}",)
