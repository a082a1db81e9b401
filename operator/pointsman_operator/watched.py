"""What the operator watches, and how the API calls it."""

from collections.abc import Mapping

import msgspec

from pointsman.core.crds import plural
from pointsman.core.resources import GROUP

SECRET_LABEL = "pointsman.dev/secret"
"""Only Secrets with this label are ever read."""


class Watched(msgspec.Struct, frozen=True):
    """One kind."""

    kind: str
    group: str
    version: str
    plural: str
    selector: str = ""
    """Labels that the API server filters by."""
    optional: bool = False
    """Whether clusters may lack it."""

    @property
    def ours(self) -> bool:
        """Whether it is one of Pointsman's own, whose status the operator writes."""
        return self.group == GROUP

    @property
    def api_version(self) -> str:
        """As objects write it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def path(self) -> str:
        """All objects of the cluster."""
        return f"/{'apis' if self.group else 'api'}/{self.api_version}/{self.plural}"

    def object_path(self, namespace: str, name: str) -> str:
        """One object."""
        return f"/apis/{self.api_version}/namespaces/{namespace}/{self.plural}/{name}"


WATCHED: Mapping[str, Watched] = {
    watched.kind: watched
    for watched in (
        Watched("ModelBackend", GROUP, "v1alpha1", plural("ModelBackend")),
        Watched("RoutingPolicy", GROUP, "v1alpha1", plural("RoutingPolicy")),
        Watched("Service", "", "v1", "services"),
        Watched("EndpointSlice", "discovery.k8s.io", "v1", "endpointslices"),
        Watched("Secret", "", "v1", "secrets", selector=SECRET_LABEL),
        Watched("ReferenceGrant", "gateway.networking.k8s.io", "v1beta1", "referencegrants", optional=True),
    )
}
"""By kind."""
