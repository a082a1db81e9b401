"""Where a backend's requests go, and with which credential: what of it exists and is allowed."""

from collections.abc import Iterator

import msgspec

from pointsman.core.addresses import refuse
from pointsman.core.compile.refs import NOT_FOUND, NOT_PERMITTED, grants_of
from pointsman.core.installation import Installation
from pointsman.core.inventory import Resources
from pointsman.core.problems import Finding, warning
from pointsman.core.resources import Metadata, ModelBackend
from pointsman.core.resources.kubernetes import Secret, Service
from pointsman.core.snapshot import Backend


class Target(msgspec.Struct, frozen=True):
    """What there is of what one backend refers to."""

    permitted: bool
    """Whether it may refer to its Service."""
    service: Service | None
    sliced: bool
    """Whether there are EndpointSlices of its Service."""
    secret: Secret | None


class Targets:
    """The Services and Secrets that backends may refer to, and who may."""

    def __init__(self, resources: Resources, installation: Installation) -> None:
        self.grants = grants_of(resources.grants)
        self.checked = installation.sees_cluster
        """Whether a Service or Secret that is not here is missing."""
        self._secrets = {_key(secret.metadata): secret for secret in resources.secrets}
        self._services = {_key(service.metadata): service for service in resources.services}
        self._sliced = {f"{found.metadata.namespace}/{found.service}" for found in resources.slices}

    def of(self, backend: Backend) -> Target:
        """What there is for this backend."""
        target, wanted = backend.service, backend.credential
        key = f"{target.namespace}/{target.name}" if target is not None else ""
        return Target(
            permitted=target is None
            or self.grants.allow("ModelBackend", backend.namespace, "", "Service", target.namespace, target.name),
            service=self._services.get(key),
            sliced=key in self._sliced,
            secret=self._secrets.get(f"{wanted.namespace}/{wanted.name}") if wanted is not None else None,
        )


def settle(backend: Backend, target: Target, checked: bool) -> tuple[Backend, tuple[Finding, ...]]:
    """The backend without a Service that it may not have, and what does not resolve."""
    if target.permitted or backend.service is None:
        return backend, (*_unserved(backend, target, checked), *_missing(backend, target, checked))
    namespace = backend.service.namespace
    problem = f"namespace {namespace} does not allow references to its Services from here"
    fix = f"Create a ReferenceGrant in namespace {namespace}"
    found = Finding("spec.endpoints.serviceRef.namespace", problem, fix, reason=NOT_PERMITTED)
    return msgspec.structs.replace(backend, service=None), (found, *_missing(backend, target, checked))


def _unserved(backend: Backend, target: Target, checked: bool) -> Iterator[Finding]:
    """A Service that does not exist, has not this port, or only names another host."""
    wanted, service = backend.service, target.service
    if wanted is None or not checked:
        return
    key, field = f"{wanted.namespace}/{wanted.name}", "spec.endpoints.serviceRef"
    if service is None and not target.sliced:
        yield warning(f"{field}.name", f"there is no Service {key}", "Create it, or correct the name", NOT_FOUND)
    elif service is not None and service.spec.type == "ExternalName":
        fix = "Use external for a host outside the cluster, if the platform allows it"
        yield Finding(f"{field}.name", f"Service {key} is of type ExternalName", fix, reason=NOT_PERMITTED)
    elif service is not None and wanted.port not in {port.port for port in service.spec.ports}:
        has = ", ".join(str(port.port) for port in service.spec.ports) or "none"
        yield warning(f"{field}.port", f"Service {key} has no port {wanted.port}", f"Its ports: {has}", NOT_FOUND)


def _missing(backend: Backend, target: Target, checked: bool) -> Iterator[Finding]:
    """A credential that does not exist."""
    wanted = backend.credential
    if wanted is None or not checked:
        return
    key, field = f"{wanted.namespace}/{wanted.name}", "spec.auth.secretKeyRef"
    if target.secret is None:
        fix = "Create it with the label pointsman.dev/secret=true; one without that label is not seen"
        yield warning(f"{field}.name", f"there is no Secret {key}", fix, NOT_FOUND)
    elif target.secret.value(wanted.key) is None:
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
