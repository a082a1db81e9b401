"""operator/rbac.yaml allows exactly what the operator does: nothing is forbidden to it, and no verb is unused."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.access import Access
from tests.control_plane.calls import Caller
from tests.control_plane.grants import install_grants
from tests.control_plane.process import NAMESPACE, OperatorProcess
from tests.control_plane.streams import backend, policy
from tests.support.waiting import eventually

RBAC = Path(__file__).parents[2] / "operator" / "rbac.yaml"
NAME = "pointsman-operator"
USER = f"system:serviceaccount:{NAMESPACE}:{NAME}"


def allowed() -> set[tuple[str, str, str]]:
    """Verb, group and resource of every rule."""
    return {
        (verb, group, resource)
        for role in yaml.safe_load_all(RBAC.read_text())
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def used(entries: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    refs = [(entry["verb"], entry["objectRef"]) for entry in entries if "objectRef" in entry]
    return {
        (verb, ref.get("apiGroup", ""), ref["resource"] + (f"/{ref['subresource']}" if "subresource" in ref else ""))
        for verb, ref in refs
    }


def bind(access: Access) -> None:
    subject = [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}]
    access.apply(RBAC.read_text())
    for kind, binding in (("ClusterRole", "ClusterRoleBinding"), ("Role", "RoleBinding")):
        access.apply(
            json.dumps(
                {
                    "apiVersion": "rbac.authorization.k8s.io/v1",
                    "kind": binding,
                    "metadata": {"name": NAME, "namespace": NAMESPACE} if kind == "Role" else {"name": NAME},
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": NAME},
                    "subjects": subject,
                }
            )
        )
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": NAMESPACE}}
    access.apply(json.dumps(account))


def test_exactly_the_verbs_used(with_namespace: Access, caller: Caller, tmp_path: Path) -> None:
    if with_namespace.audit is None:
        pytest.skip("needs the audit log of a cluster of its own")
    bind(with_namespace)
    install_grants(with_namespace)
    with_namespace.kubectl("delete", "lease", NAME, "-n", NAMESPACE, "--ignore-not-found")
    mark = with_namespace.audit.mark()
    account = with_namespace.service_account(NAMESPACE, NAME)
    operator = OperatorProcess(account.kubeconfig, tmp_path / "operator.log", "--resync", "1")
    operator.wait_ready().wait_leading()
    some, slices = backend("a", "10.0.0.1")
    for body in (some, slices, policy("chat", "a", "ghost")):
        assert caller.create(body)[0] == 201
    eventually(lambda: _reason(caller) == "RefNotFound", "a status")

    def entries() -> list[dict[str, Any]]:
        assert with_namespace.audit is not None
        return with_namespace.audit.of(USER, mark)

    # a status may be there before every watch is, on a busy machine
    watches = {each for each in allowed() if each[0] == "watch"}
    eventually(lambda: used(entries()) >= watches, f"all of {sorted(watches)}")
    assert operator.stop() == 0
    caller.delete(slices)
    eventually(lambda: used(entries()) >= allowed(), f"use of all of {sorted(allowed())}")
    forbidden = [each["requestURI"] for each in entries() if each.get("responseStatus", {}).get("code") == 403]
    assert forbidden == []
    assert used(entries()) == allowed()


def _reason(caller: Caller) -> str:
    conditions = caller.get("RoutingPolicy", "ai", "chat")["status"]["conditions"]
    return next(str(each["reason"]) for each in conditions if each["type"] == "ResolvedRefs")
