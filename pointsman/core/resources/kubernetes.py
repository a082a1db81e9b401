"""What Pointsman reads of Kubernetes' own objects; fields that it does not need are ignored."""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic.alias_generators import to_camel

from pointsman.core.resources.common import Metadata


class Foreign(BaseModel):
    """Base of the parts of foreign objects: only what is needed, never more."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


class Secret(Foreign):
    """A Secret. Its values show in no repr, log or problem; only `value` gives one away."""

    metadata: Metadata
    data: Mapping[str, SecretStr] = {}
    """Base64."""
    string_data: Mapping[str, SecretStr] = {}
    """Plain text, for files; it wins over `data`."""

    def value(self, key: str) -> str | None:
        """The value of one key without surrounding white space, or None when there is no readable one."""
        if key in self.string_data:
            return self.string_data[key].get_secret_value().strip()
        if key not in self.data:
            return None
        try:
            return base64.b64decode(self.data[key].get_secret_value(), validate=True).decode().strip()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return None


class ServicePort(Foreign):
    """One port of a Service."""

    name: str = ""
    port: int
    target_port: int | str | None = None
    """Port of the pod, by number or name; the Service's own number by default."""


class ServiceSpec(Foreign):
    """What a Service offers."""

    type: str = "ClusterIP"
    ports: tuple[ServicePort, ...] = ()


class Service(Foreign):
    """A Service."""

    metadata: Metadata
    spec: ServiceSpec = ServiceSpec()


class EndpointConditions(Foreign):
    """The state of one endpoint; Kubernetes says to read a missing `ready` or `serving` as true."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class SliceEndpoint(Foreign):
    """One pod, usually."""

    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions = EndpointConditions()
    zone: str = ""


class SlicePort(Foreign):
    """A port of every endpoint of the slice, named as the Service's port."""

    name: str = ""
    port: int | None = None


class EndpointSlice(Foreign):
    """Some of the endpoints of a Service, which its label `kubernetes.io/service-name` names."""

    metadata: Metadata
    address_type: str
    endpoints: tuple[SliceEndpoint, ...] = ()
    ports: tuple[SlicePort, ...] = ()

    @property
    def service(self) -> str:
        """Name of the Service, or an empty string."""
        return self.metadata.labels.get("kubernetes.io/service-name", "")


class GrantFrom(Foreign):
    """Who may refer."""

    group: str
    kind: str
    namespace: str


class GrantTo(Foreign):
    """What may be referred to; every object of the kind when no name is given."""

    group: str
    kind: str
    name: str = ""


class ReferenceGrantSpec(Foreign):
    """Every `from` may refer to every `to`."""

    from_: Annotated[tuple[GrantFrom, ...], Field(alias="from")] = ()
    to: tuple[GrantTo, ...] = ()


class ReferenceGrant(Foreign):
    """Gateway API's ReferenceGrant: objects of other namespaces may refer into its own."""

    metadata: Metadata
    spec: ReferenceGrantSpec = ReferenceGrantSpec()
