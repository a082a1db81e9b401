"""etcd, kube-apiserver and, when asked for, the controllers: a real Kubernetes API without a node."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import daemons, pki
from tests.cluster.access import Access, answers
from tests.cluster.audit import AuditLog
from tests.cluster.pins import CONTROLLERS, HERE
from tests.cluster.slots import Slot


@dataclass(frozen=True)
class ControlPlane:
    """Where one control plane runs, and how it is reached."""

    slot: Slot
    programs: Path
    address: str
    port: int
    etcd_ports: tuple[int, int]  # clients, peers
    advertised: str  # published as the endpoint of the service `kubernetes`; never loopback
    netns: str | None = None
    cgroup: Path | None = None
    options: tuple[str, ...] = ()  # kube-apiserver's, for a node

    @property
    def folder(self) -> Path:
        return self.slot.folder

    @property
    def server(self) -> str:
        return f"https://{self.address}:{self.port}"

    @property
    def access(self) -> Access:
        return Access(self.folder / "admin.kubeconfig", self.programs, AuditLog(self.folder / "audit.log"))

    def start(self) -> None:
        """Returns when the API answers, its roles exist and namespaces can be used."""
        self._create_keys()
        self.start_etcd()
        self.start_api_server()

    def start_controllers(self) -> None:
        """Namespaces are emptied, service accounts and EndpointSlices appear, Deployments make pods."""
        self.identify("controller-manager", "/CN=system:kube-controller-manager")
        keys = f"{self.folder}/pki"
        self.daemon(
            CONTROLLERS,
            f"--kubeconfig={self.folder}/controller-manager.kubeconfig",
            f"--service-account-private-key-file={keys}/sa.key",
            f"--root-ca-file={keys}/ca.crt",
            f"--cluster-signing-cert-file={keys}/ca.crt",
            f"--cluster-signing-key-file={keys}/ca.key",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            "--kube-api-qps=500",  # with 20 the controllers' own accounts would take five seconds to make
            "--kube-api-burst=1000",
            "--secure-port=0" if self.netns is None else "--bind-address=127.0.0.1",
        )

    def wait_for_controllers(self) -> None:
        self._wait(CONTROLLERS, "/api/v1/namespaces/default/serviceaccounts/default")

    def identify(self, name: str, subject: str, alternatives: Sequence[str] = ()) -> None:
        """A certificate and a kubeconfig for one of the cluster's programs."""
        pki.create_certificate(self.folder / "pki", name, subject, alternatives)
        pki.kubeconfig(self.folder / "pki", name, self.server, self.folder / f"{name}.kubeconfig")

    def daemon(self, program: str, *options: str) -> None:
        command = [str(self.programs / program), *options]
        daemons.start(self.folder, program, command, netns=self.netns, cgroup=self.cgroup)

    def _create_keys(self) -> None:
        pki.create_authority(self.folder / "pki")
        service = ("DNS:kubernetes", "DNS:kubernetes.default", "DNS:kubernetes.default.svc")
        addresses = {self.address, self.advertised, self.slot.service(1), "127.0.0.1"}
        names = (*service, *(f"IP:{address}" for address in sorted(addresses)))
        pki.create_certificate(self.folder / "pki", "apiserver", "/CN=kube-apiserver", names)
        self.identify("admin", "/O=system:masters/CN=admin")

    def start_etcd(self) -> None:
        clients, peers = (f"http://127.0.0.1:{port}" for port in self.etcd_ports)
        self.daemon(
            "etcd",
            f"--data-dir={self.folder}/etcd",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--unsafe-no-fsync",  # nobody reads it after a power cut
            "--log-level=warn",
        )

    def stop_etcd(self) -> None:
        """As a crash would."""
        daemons.stop(self.folder, "etcd")

    def api_server_runs(self) -> bool:
        """It ends by itself when etcd is away for long."""
        return daemons.alive(self.folder / "kube-apiserver.pid")

    def stop_api_server(self) -> None:
        """As a crash would; what it had stored is there after the next `start_api_server`."""
        daemons.stop(self.folder, "kube-apiserver")

    def start_api_server(self) -> None:
        keys = f"{self.folder}/pki"
        self.daemon(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self.etcd_ports[0]}",
            f"--bind-address={self.address}",
            f"--secure-port={self.port}",
            f"--advertise-address={self.advertised}",
            f"--service-cluster-ip-range={self.slot.services}",
            f"--client-ca-file={keys}/ca.crt",
            f"--tls-cert-file={keys}/apiserver.crt",
            f"--tls-private-key-file={keys}/apiserver.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={keys}/sa.pub",
            f"--service-account-signing-key-file={keys}/sa.key",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--audit-policy-file={HERE}/templates/audit.yaml",
            f"--audit-log-path={self.folder}/audit.log",
            "--audit-log-maxsize=100000",  # one file: AuditLog reads by offset
            *self.options,
        )
        self._wait("kube-apiserver", "/readyz")
        self._wait("kube-apiserver", "/api/v1/namespaces/default")

    def _wait(self, program: str, path: str) -> None:
        daemons.wait(self.folder, program, lambda: answers(self.server, self.folder / "pki", path))
