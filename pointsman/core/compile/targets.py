"""Where a backend's requests go, and with which credential: what of it exists and is allowed."""

from collections.abc import Iterator

import msgspec

from pointsman.core.addresses import refuse
from pointsman.core.compile.refs import NOT_FOUND, NOT_PERMITTED, Grants
from pointsman.core.installation import Installation
from pointsman.core.inventory import Resources
from pointsman.core.problems import Finding, warning
from pointsman.core.resources import Metadata, ModelBackend
from pointsman.core.snapshot import Backend


class Targets:
    """The Services and Secrets that backends may refer to, and who may."""

    def __init__(self, resources: Resources, installation: Installation) -> None:
        self.grants = Grants(resources.grants)
        self._checked = installation.sees_cluster
        self._secrets = {_key(secret.metadata): secret for secret in resources.secrets}
        self._services = {_key(service.metadata): service for service in resources.services}
        self._sliced = {f"{found.metadata.namespace}/{found.service}" for found in resources.slices}

    def settle(self, backend: Backend) -> tuple[Backend, tuple[Finding, ...]]:
        """The backend without a Service that it may not have, and what does not resolve."""
        target = backend.service
        if target is not None and not self.grants.allow(
            "ModelBackend", backend.namespace, "", "Service", target.namespace, target.name
        ):
            field = "spec.endpoints.serviceRef.namespace"
            problem = f"namespace {target.namespace} does not allow references to its Services from here"
            fix = f"Create a ReferenceGrant in namespace {target.namespace}"
            found = Finding(field, problem, fix, reason=NOT_PERMITTED)
            return msgspec.structs.replace(backend, service=None), (found, *self._missing(backend))
        return backend, (*self._unserved(backend), *self._missing(backend))

    def _unserved(self, backend: Backend) -> Iterator[Finding]:
        """A Service that does not exist, has not this port, or only names another host."""
        target = backend.service
        if target is None or not self._checked:
            return
        key, field = f"{target.namespace}/{target.name}", "spec.endpoints.serviceRef"
        service = self._services.get(key)
        if service is None and key not in self._sliced:
            yield warning(f"{field}.name", f"there is no Service {key}", "Create it, or correct the name", NOT_FOUND)
        elif service is not None and service.spec.type == "ExternalName":
            fix = "Use external for a host outside the cluster, if the platform allows it"
            yield Finding(f"{field}.name", f"Service {key} is of type ExternalName", fix, reason=NOT_PERMITTED)
        elif service is not None and target.port not in {port.port for port in service.spec.ports}:
            has = ", ".join(str(port.port) for port in service.spec.ports) or "none"
            fix = f"Its ports: {has}"
            yield warning(f"{field}.port", f"Service {key} has no port {target.port}", fix, NOT_FOUND)

    def _missing(self, backend: Backend) -> Iterator[Finding]:
        """A credential that does not exist."""
        wanted = backend.credential
        if wanted is None or not self._checked:
            return
        key, field = f"{wanted.namespace}/{wanted.name}", "spec.auth.secretKeyRef"
        secret = self._secrets.get(key)
        if secret is None:
            fix = "Create it, with the label pointsman.dev/secret"
            yield warning(f"{field}.name", f"there is no Secret {key}", fix, NOT_FOUND)
        elif secret.value(wanted.key) is None:
            fix = "Add the key, or correct its name"
            yield warning(f"{field}.key", f"Secret {key} has no readable key {wanted.key}", fix, NOT_FOUND)


def _key(metadata: Metadata) -> str:
    return f"{metadata.namespace}/{metadata.name}"


def check_address(resource: ModelBackend, installation: Installation) -> Iterator[Finding]:
    """An external host that this installation refuses."""
    external = resource.spec.endpoints.external
    if external is None:
        return
    reason = refuse(
        external.host,
        allow_loopback=installation.allow_loopback,
        allowed_external=installation.external_hosts,
        api_server=installation.api_server,
    )
    if reason is not None:
        fix = "Use serviceRef for a model of this cluster, or allow the host (--allow-external HOST, --allow-loopback)"
        yield Finding("spec.endpoints.external.host", f'"{external.host}" {reason}', fix, reason="AddressRefused")
