"""One installation of the chart with the example, and what tests ask of it."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.access import Access
from tests.e2e.images import REGISTRY, ROOT

CHART = ROOT / "charts" / "pointsman"
EXAMPLE = ROOT / "examples" / "02-cluster"
CLIENT = Path(__file__).parent / "client.yaml"
NAMESPACE = "pointsman-system"
RELEASE = "pointsman"
CLIENT_POD = ("demo", "deployment/client")


@dataclass
class Installation:
    """The chart on a cluster."""

    access: Access
    helm: str = "helm"
    keys: dict[str, str] = field(default_factory=dict, repr=False)
    """A client's API key by its tenant."""

    def install(self, *options: str, chart: Path = CHART, seconds: float = 300) -> str:
        """`helm upgrade --install`, under restricted Pod Security."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
        self.access.apply(json.dumps(namespace))
        command = [self.helm, "upgrade", "--install", RELEASE, str(chart), "--namespace", NAMESPACE]
        return self.access.run(*command, "--set", f"image.registry={REGISTRY}", *options, seconds=seconds).stdout

    def uninstall(self) -> None:
        self.access.run(self.helm, "uninstall", RELEASE, "--namespace", NAMESPACE, "--wait", seconds=180)

    def let_in(self, folder: Path, *tenants: str) -> None:
        """Makes keys by the command line, and the Secret as NOTES.txt says."""
        file = folder / "keys.yaml"
        for tenant in tenants:
            command = [sys.executable, "-m", "pointsman.cli", "keys", "create", "--tenant", tenant, "--json", str(file)]
            made = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
            self.keys[tenant] = json.loads(made.stdout)["key"]
        self.put_keys(file)

    def put_keys(self, file: Path) -> None:
        """Creates or replaces the Secret of client keys."""
        metadata = {"name": "pointsman-keys", "namespace": NAMESPACE, "labels": {"pointsman.dev/secret": "true"}}
        text = {"keys.yaml": file.read_text()}
        self.access.apply(json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": text}))

    def apply_example(self) -> None:
        """Models, backends and policy, with the images of this installation; returns when they are Ready."""
        for file in (EXAMPLE / "models.yaml", CLIENT, *sorted((EXAMPLE / "policies").glob("*.yaml"))):
            self.apply_file(file)
        for name in ("small", "large", "flaky", "client"):
            self.rolled_out(name, "demo")
        for kind in ("modelbackends", "routingpolicies"):
            self.access.kubectl("wait", "-n", "demo", "--for=condition=Ready", "--timeout=90s", kind, "--all")

    def apply_file(self, file: Path) -> None:
        """Manifests, with the images of this installation."""
        self.access.apply(file.read_text().replace("image: pointsman-", f"image: {REGISTRY}/pointsman-"))

    def rolled_out(self, name: str, namespace: str = NAMESPACE, seconds: int = 240) -> None:
        command = ["rollout", "status", "-n", namespace, f"deployment/{name}", f"--timeout={seconds}s"]
        self.access.kubectl(*command, seconds=seconds + 10)

    def ready(self) -> None:
        """Both planes are; a router becomes it only when a policy is there."""
        for name in ("operator", "router"):
            self.rolled_out(f"{RELEASE}-{name}")

    def client(self, program: str, *arguments: str, seconds: float = 120, pod: tuple[str, str] = CLIENT_POD) -> Any:
        """Runs Python in a pod of the cluster; what it printed last, as JSON."""
        command = ["exec", "-i", "-n", *pod, "--", "python", "-", *arguments]
        return json.loads(self.access.kubectl(*command, stdin=program, seconds=seconds).splitlines()[-1])

    def pods(self, component: str) -> list[dict[str, Any]]:
        found = self.access.get("pods", "-n", NAMESPACE, "-l", f"app.kubernetes.io/component={component}")["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    @contextmanager
    def forwarded(self) -> Iterator[str]:
        """The routers' Service on this machine; its base URL."""
        with self.port_forwarded(NAMESPACE, f"{RELEASE}-router", 80) as url:
            yield f"{url}/v1"

    @contextmanager
    def port_forwarded(self, namespace: str, service: str, port: int) -> Iterator[str]:
        """A Service on this machine, by kubectl port-forward."""
        command = ["kubectl", "port-forward", "-n", namespace, f"service/{service}", f":{port}"]
        forward = subprocess.Popen(command, env=self.access.environment, stdout=subprocess.PIPE, text=True)
        try:
            assert forward.stdout
            line = forward.stdout.readline()  # Forwarding from 127.0.0.1:34567 -> 8080
            yield f"http://127.0.0.1:{line.split('->')[0].strip().rpartition(':')[2]}"
        finally:
            forward.terminate()
            forward.wait(10)

    def condition(self, kind: str, name: str, type_: str) -> dict[str, Any]:
        conditions = self.access.get(kind, name, "-n", "demo").get("status", {}).get("conditions", [])
        return next((each for each in conditions if each["type"] == type_), {})

    def live(self, backend: str) -> int:
        """Endpoints of a backend, as its status has them."""
        return int(self.access.get("modelbackend", backend, "-n", "demo").get("status", {}).get("readyEndpoints", -1))

    def addresses(self, app: str, namespace: str = "demo") -> list[str]:
        """Of the pods of a Deployment; this machine reaches pods by them."""
        found = self.access.get("pods", "-n", namespace, "-l", f"app={app}")["items"]
        return [each["status"]["podIP"] for each in found if "deletionTimestamp" not in each["metadata"]]

    def requests(self, app: str) -> list[list[dict[str, Any]]]:
        """What each pod of a fault server was sent, headers included."""
        return [list(self.asked(f"http://{address}:8000/requests")) for address in self.addresses(app)]

    def received(self, app: str) -> list[int]:
        """How many requests each pod of a fault server was sent."""
        return [len(each) for each in self.requests(app)]

    def play(self, app: str, script: dict[str, Any]) -> None:
        """Has each pod of a fault server follow a script from now on."""
        for address in self.addresses(app):
            put = urllib.request.Request(f"http://{address}:8000/faults", json.dumps(script).encode(), method="PUT")
            urllib.request.urlopen(put, timeout=5).close()

    def asked(self, url: str) -> Any:
        """What a pod answers to a GET, as JSON."""
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.loads(answer.read())
