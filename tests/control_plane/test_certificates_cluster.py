"""Replicas keep their certificates in Secrets of a real API server, and agree on them."""

import base64
from pathlib import Path
from typing import Any

from tests.cluster.access import Access
from tests.control_plane.process import NAMESPACE, OperatorProcess
from tests.support.waiting import eventually

NAMES = ("kept-ca", "kept-operator-tls", "kept-router-tls")


def secret(access: Access, name: str) -> dict[str, str]:
    data: dict[str, str] = access.get("secret", name, "-n", NAMESPACE)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def replica(access: Access, folder: Path, name: str) -> OperatorProcess:
    options: tuple[Any, ...] = ("--keep-certificates", "kept:pointsman-operator", "--tls", str(folder / name))
    return OperatorProcess(access.kubeconfig, folder / f"{name}.log", *options, name=name)


def test_two_replicas_agree_and_what_is_deleted_comes_back(with_namespace: Access, tmp_path: Path) -> None:
    with_namespace.kubectl("delete", "secret", "-n", NAMESPACE, *NAMES, "--ignore-not-found")
    replicas = [replica(with_namespace, tmp_path, name) for name in ("one", "two")]
    try:
        for each in replicas:
            each.wait_ready()
        kept = secret(with_namespace, "kept-operator-tls")
        for name in ("one", "two"):
            eventually(lambda name=name: (tmp_path / name / "tls.crt").read_text() == kept["tls.crt"], "agreement")
            assert (tmp_path / name / "tls.key").stat().st_mode & 0o777 == 0o600
        assert set(secret(with_namespace, "kept-router-tls")) == {"ca.crt", "tls.crt", "tls.key", "session.key"}
        assert secret(with_namespace, "kept-ca")["ca.crt"] == kept["ca.crt"]
    finally:
        for each in replicas:
            each.stop()

    with_namespace.kubectl("delete", "secret", "-n", NAMESPACE, "kept-router-tls")
    again = replica(with_namespace, tmp_path, "three").wait_ready()
    try:
        assert secret(with_namespace, "kept-operator-tls") == kept
        assert secret(with_namespace, "kept-router-tls")["ca.crt"] == kept["ca.crt"]
    finally:
        again.stop()
