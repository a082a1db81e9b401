"""What a test gets of a cluster: a kubeconfig, kubectl and the audit log."""

import json
import os
import ssl
import subprocess
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import pki
from tests.cluster.audit import AuditLog
from tests.support.waiting import eventually


class KubectlError(AssertionError):
    """kubectl refused; the message is what it said."""


@dataclass(frozen=True)
class Access:
    """A Kubernetes API. `audit` is None for a user's own cluster (POINTSMAN_TEST_KUBECONFIG)."""

    kubeconfig: Path
    programs: Path | None
    audit: AuditLog | None = None

    @property
    def environment(self) -> dict[str, str]:
        """For subprocesses: KUBECONFIG, and a PATH that finds kubectl and helm."""
        path = os.environ.get("PATH", os.defpath)
        path = f"{self.programs}{os.pathsep}{path}" if self.programs else path
        found = os.environ | {"KUBECONFIG": str(self.kubeconfig), "PATH": path}
        if self.programs:  # what kubectl remembers of an address would be of an earlier cluster
            found["KUBECACHEDIR"] = f"{self.kubeconfig.parent}/kubectl"
        return found

    def run(
        self, *command: str, stdin: str | None = None, check: bool = True, seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program with this cluster as its own."""
        result = subprocess.run(
            command, input=stdin, env=self.environment, capture_output=True, text=True, timeout=seconds, check=False
        )
        if check and result.returncode:
            raise KubectlError(f"{' '.join(command)}: {result.stderr.strip()}\n{result.stdout.strip()}")
        return result

    def kubectl(self, *arguments: str, stdin: str | None = None, seconds: float = 120) -> str:
        """kubectl's output; raises KubectlError with what it said when it fails."""
        return self.run("kubectl", *arguments, stdin=stdin, seconds=seconds).stdout

    def apply(self, manifest: str, *arguments: str) -> str:
        """Server-side apply of YAML or JSON."""
        return self.kubectl("apply", "--server-side", *arguments, "-f", "-", stdin=manifest)

    def established(self, *names: str, seconds: float = 30) -> None:
        """Wait until kinds are served: `established("crd/NAME")`, `established("-f", "FOLDER")`.

        kubectl's own wait gives up on a kind that is so new that it has no conditions; then it is asked again.
        """

        def waited() -> bool:
            try:
                self.kubectl("wait", "--for=condition=Established", f"--timeout={seconds:.0f}s", *names)
            except KubectlError as error:
                if "conditions accessor error" not in str(error):
                    raise
                return False
            return True

        eventually(waited, "conditions of a kind", seconds)

    def get(self, *arguments: str) -> Any:
        """Objects as Python values: `get("pods", "-n", "x")`."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def service_account(self, namespace: str, name: str) -> "Access":
        """The same cluster, seen as a service account that exists: with its rights, not an administrator's."""
        token = self.kubectl("create", "token", name, "-n", namespace, "--duration=1h").strip()
        view = json.loads(self.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
        server = view["clusters"][0]["cluster"]
        folder = Path(tempfile.mkdtemp(prefix="serviceaccount-", dir=self._temporary))
        file = folder / "kubeconfig"
        pki.write_kubeconfig(file, server["server"], server["certificate-authority-data"], name, {"token": token})
        return Access(file, self.programs, self.audit)

    @property
    def _temporary(self) -> Path | None:
        return self.kubeconfig.parent if self.audit else None  # ours goes away with the cluster


def answers(server: str, keys: Path, path: str = "/readyz") -> bool:
    """Whether the API server says 200 to an administrator; without the cost of a kubectl."""
    context = ssl.create_default_context(cafile=str(keys / "ca.crt"))
    context.load_cert_chain(keys / "admin.crt", keys / "admin.key")
    return responds(f"{server}{path}", context)


def responds(url: str, context: ssl.SSLContext | None = None) -> bool:
    """Whether a GET gives 200 now; past any proxy that the environment names."""
    handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)]
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:  # refused, late, or an HTTP error: urllib's errors are all of this kind
        return False
