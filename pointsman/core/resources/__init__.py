"""The Kubernetes resources of `pointsman.dev/v1alpha1`, as types; the CRDs are generated from these."""

from pointsman.core.resources.backend import ModelBackend, ModelBackendSpec
from pointsman.core.resources.common import API_VERSION, GROUP, Metadata
from pointsman.core.resources.policy import RoutingPolicy, RoutingPolicySpec

__all__ = [
    "API_VERSION",
    "GROUP",
    "Metadata",
    "ModelBackend",
    "ModelBackendSpec",
    "RoutingPolicy",
    "RoutingPolicySpec",
]
