"""Certificates by another issuer: routers follow the operator by them, and all of them are replaced without a pause."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import pki
from tests.e2e.clients import ASK
from tests.e2e.installation import CHART, NAMESPACE, RELEASE, Installation
from tests.e2e.test_e2e_routes import CODE, URL
from tests.support.waiting import eventually

PROFILE = CHART / "profiles" / "own-certificates.yaml"
NAMES = {
    "operator": f"DNS:{RELEASE}-operator.{NAMESPACE}.svc",
    "router": f"DNS:*.{NAMESPACE}.router.pointsman.dev",
}
MOUNTED = {"operator": "/run/pointsman/tls", "router": "/etc/pointsman/tls"}
READ = "import sys; sys.stdout.write(''.join(open(f'{sys.argv[1]}/{each}').read() for each in sys.argv[2:]))"


class Issuer:
    """An authority of ours; each call of `leaf` makes another certificate."""

    def __init__(self, folder: Path) -> None:
        pki.create_authority(folder)
        self._folder = folder

    @property
    def authority(self) -> str:
        return (self._folder / "ca.crt").read_text()

    def leaf(self, component: str) -> tuple[str, str]:
        pki.create_certificate(self._folder, component, f"/CN={component}", [NAMES[component]])
        return (self._folder / f"{component}.crt").read_text(), (self._folder / f"{component}.key").read_text()


def put(installation: Installation, component: str, trusted: str, leaf: tuple[str, str]) -> str:
    """Writes the Secret; what a pod that has read it has in its files."""
    files = {"ca.crt": trusted, "tls.crt": leaf[0], "tls.key": leaf[1]}
    data = {name: base64.b64encode(text.encode()).decode() for name, text in files.items()}
    metadata = {"name": f"{RELEASE}-{component}-own", "namespace": NAMESPACE}
    installation.access.apply(json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}))
    return trusted + leaf[0]


def all_have(installation: Installation, written: dict[str, str]) -> None:
    """Returns once every pod sees what was written; a pod that changes is looked at by its kubelet at once."""
    kubectl = installation.access.kubectl
    for component, text in written.items():
        selector = f"app.kubernetes.io/component={component}"
        mark = f"test.pointsman.dev/looked={abs(hash(text))}"
        kubectl("annotate", "pods", "-n", NAMESPACE, "-l", selector, "--overwrite", mark)
        for pod in installation.pods(component):
            command = ["exec", "-n", NAMESPACE, pod["metadata"]["name"], "--", "python", "-c", READ]
            arguments = (*command, MOUNTED[component], "ca.crt", "tls.crt")
            eventually(lambda a=arguments, t=text: kubectl(*a) == t, f"{component} reads its Secret", 180)


def followed(installation: Installation, price: str) -> None:
    """A change arrives at every router: the backend is Programmed in its newest generation."""
    patch = json.dumps({"spec": {"pricing": {"input": price}}})
    installation.access.kubectl("patch", "modelbackend", "small", "-n", "demo", "--type=merge", "-p", patch)

    def programmed() -> bool:
        found = installation.access.get("modelbackend", "small", "-n", "demo")
        said = [each for each in found["status"]["conditions"] if each["type"] == "Programmed"]
        return any(
            each["status"] == "True" and each["observedGeneration"] == found["metadata"]["generation"] for each in said
        )

    eventually(programmed, "the change at every router", 120)


@pytest.fixture(scope="module")
def own(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Issuer]]:
    issuer = Issuer(tmp_path_factory.mktemp("own") / "first")
    for component in NAMES:
        put(installation, component, issuer.authority, issuer.leaf(component))
    installation.install("--values", str(PROFILE))
    installation.ready()
    yield installation, issuer
    installation.install()
    installation.ready()
    followed(installation, "0.05")


def answered(installation: Installation) -> bool:
    told = installation.client(ASK, URL, installation.keys["paid"], json.dumps([{"text": CODE}]))
    return all(each["answered"] for each in told)


def test_routers_follow_the_operator_by_certificates_of_another_issuer(own: tuple[Installation, Issuer]) -> None:
    installation, _ = own
    mounted = installation.pods("operator")[0]["spec"]["volumes"]
    assert f"{RELEASE}-operator-own" in str(mounted)
    assert answered(installation)
    followed(installation, "0.07")


def test_all_of_them_are_replaced_step_by_step(own: tuple[Installation, Issuer], tmp_path: Path) -> None:
    """Both authorities are trusted, then the new one signs, then the old one is forgotten; no pod starts anew."""
    installation, old = own
    new = Issuer(tmp_path / "second")
    leaves = {component: old.leaf(component) for component in NAMES}
    both = old.authority + new.authority
    all_have(installation, {each: put(installation, each, both, leaves[each]) for each in NAMES})
    leaves = {component: new.leaf(component) for component in NAMES}
    all_have(installation, {each: put(installation, each, both, leaves[each]) for each in NAMES})
    all_have(installation, {each: put(installation, each, new.authority, leaves[each]) for each in NAMES})
    routers = {pod["metadata"]["uid"] for pod in installation.pods("router")}
    selector = "app.kubernetes.io/component=operator"
    installation.access.kubectl("delete", "pods", "-n", NAMESPACE, "-l", selector, "--grace-period=1")
    installation.ready()
    followed(installation, "0.06")
    assert {pod["metadata"]["uid"] for pod in installation.pods("router")} == routers
    assert answered(installation)
