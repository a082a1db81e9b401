"""Certificates and kubeconfigs of one cluster, by openssl. Elliptic keys: twelve of them take a tenth of a second."""

import base64
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
_AUTHORITY = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign", "subjectKeyIdentifier=hash"]
_LEAF = [
    "basicConstraints=CA:FALSE",
    "keyUsage=digitalSignature",
    "extendedKeyUsage=serverAuth,clientAuth",
    "subjectKeyIdentifier=hash",
    "authorityKeyIdentifier=keyid",
]


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def create_authority(folder: Path) -> None:
    """The certificate authority, and the keys that service accounts' tokens are signed with."""
    folder.mkdir(mode=0o700)
    # Without a file of our own, openssl would add the extensions that this machine's openssl.cnf names.
    (folder / "openssl.cnf").write_text("[req]\ndistinguished_name = dn\n[dn]\n")
    _certificate(folder, "ca", "/CN=pointsman-test-ca", _AUTHORITY, [])
    _openssl(folder, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "sa.key")
    _openssl(folder, "pkey", "-in", "sa.key", "-pubout", "-out", "sa.pub")


def create_certificate(folder: Path, name: str, subject: str, alternatives: Sequence[str] = ()) -> None:
    names = [f"subjectAltName={','.join(alternatives)}"] if alternatives else []
    _certificate(folder, name, subject, [*_LEAF, *names], ["-CA", "ca.crt", "-CAkey", "ca.key"])


def _certificate(folder: Path, name: str, subject: str, extensions: Sequence[str], issuer: Sequence[str]) -> None:
    added = [argument for extension in extensions for argument in ("-addext", extension)]
    files = ["-keyout", f"{name}.key", "-out", f"{name}.crt", "-days", "30", "-config", "openssl.cnf"]
    _openssl(folder, "req", "-x509", *_KEY, *files, "-subj", subject, *added, *issuer)


def kubeconfig(folder: Path, name: str, server: str, file: Path) -> None:
    """A kubeconfig with the certificates inside, so that it can be copied. JSON is YAML."""
    user = {
        "client-certificate-data": _encoded(folder / f"{name}.crt"),
        "client-key-data": _encoded(folder / f"{name}.key"),
    }
    write_kubeconfig(file, server, _encoded(folder / "ca.crt"), name, user)


def write_kubeconfig(file: Path, server: str, authority: str, name: str, user: dict[str, str]) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "pointsman", "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": "pointsman", "context": {"cluster": "pointsman", "user": name}}],
        "current-context": "pointsman",
    }
    file.touch(mode=0o600)
    file.write_text(json.dumps(config, indent=1))


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
