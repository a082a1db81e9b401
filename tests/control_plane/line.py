"""The whole line on one machine: a real API server, operators, routers and model servers, each a process of its own."""

import time
from pathlib import Path
from typing import Any

from tests.cluster.access import Access
from tests.control_plane.calls import Caller
from tests.control_plane.fresh import fresh_version
from tests.control_plane.process import FaultsProcess, OperatorProcess, RouterProcess
from tests.support.ports import free_port
from tests.support.waiting import eventually

Objects = list[dict[str, Any]]


def model(name: str, host: str, port: int, *, namespace: str = "ai", **spec: Any) -> Objects:
    """A backend, its Service and the EndpointSlice that a controller would make."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"clusterIP": "None", "ports": [{"port": 80}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": f"{name}-1", "namespace": namespace, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "ports": [{"name": "", "port": port}],
            "endpoints": [{"addresses": [host]}],
        },
        {
            "apiVersion": "pointsman.dev/v1alpha1",
            "kind": "ModelBackend",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"model": name, "endpoints": {"serviceRef": {"name": name, "port": 80}}, **spec},
        },
    ]


PATIENT = {"timeouts": {"connect": "10s", "firstToken": "1m", "total": "5m"}}
"""A busy machine is not what is tried here."""


def policy(name: str, *backends: str, models: tuple[str, ...] = (), **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": "RoutingPolicy",
        "metadata": {"name": name, "namespace": "ai"},
        "spec": {
            "virtualModels": list(models or (name,)),
            "default": {"backends": [{"name": each} for each in backends]},
            "fallback": PATIENT,
            **spec,
        },
    }


class Line:
    """What runs, at addresses that stay when a process is started again, as a Service's and a pod's disk do."""

    def __init__(self, access: Access, folder: Path, host: str = "127.0.0.1", operator: tuple[str, ...] = ()) -> None:
        """`host` is where model servers listen; `operator` are its further options."""
        self.access, self.caller = access, Caller(access.kubeconfig)
        self.operators: dict[int, OperatorProcess] = {}
        self.routers: dict[int, RouterProcess] = {}
        self.models: dict[str, FaultsProcess] = {}
        self._folder, self._host, self._options = folder, host, operator
        self._applied: Objects = []
        self._streams, self._ports = [free_port(), free_port()], [free_port() for _ in range(3)]
        self.positions: dict[int, list[tuple[int, int]]] = {number: [] for number in range(3)}

    @property
    def control_plane(self) -> str:
        """Where routers ask first."""
        return f"127.0.0.1:{self._streams[0]}"

    def start_operator(self, number: int = 0) -> OperatorProcess:
        log, stream = self._folder / f"operator-{number}.log", self._streams[number]
        name = f"operator-{number}"
        self.operators[number] = OperatorProcess(self.access.kubeconfig, log, *self._options, name=name, stream=stream)
        return self.operators[number]

    def start_router(self, number: int = 0) -> RouterProcess:
        folder = self._folder / f"router-{number}"
        self.routers[number] = RouterProcess(
            self.control_plane, folder, f"ai/router-{number}", port=self._ports[number]
        )
        return self.routers[number]

    def start_model(self, name: str, *options: str, **spec: Any) -> FaultsProcess:
        """A model server with its backend; bodies are kept so that its credentials can be seen."""
        self.models[name] = FaultsProcess(
            self._host, self._folder / f"{name}.log", "--name", name, "--keep-bodies", *options
        )
        self.apply(*model(name, self._host, self.models[name].port, **spec))
        return self.models[name]

    def apply(self, *objects: dict[str, Any]) -> None:
        for body in objects:
            status, answer = self.caller.apply(body, "test", force=True)
            assert status in (200, 201), answer
            self._applied.append(body)

    def ready_ports(self) -> list[int]:
        """Of the routers that run."""
        return [router.port for router in self.routers.values() if router.process.poll() is None]

    def leader(self) -> OperatorProcess | None:
        leading = (each for each in self.operators.values() if each.leads())
        return next(leading, None)

    def look(self) -> None:
        """Note every router's position; none may ever go back, across its restarts too."""
        for number, router in self.routers.items():
            self.positions[number].append(router.position)

    def converged(self) -> bool:
        """Whether every router has in force what a fresh compile of the cluster gives, and is ready."""
        version = fresh_version(self.caller)[:12]
        return all(router.version == version and router("/readyz")[0] == 200 for router in self.routers.values())

    def bring_up(self, routers: int) -> None:
        """Two model servers, two replicas of the operator, some routers; all in force."""
        for name in ("small", "large"):
            self.start_model(name)
        self.apply(policy("auto", "small", "large"))
        for number in range(2):
            self.start_operator(number)
        self.operators[0].wait_ready()
        for number in range(routers):
            self.start_router(number)
        self.wait_converged()

    def wait_converged(self, seconds: float = 120) -> float:
        """How long it took."""
        started = time.monotonic()
        try:
            eventually(self.converged, "convergence", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.state()}") from None
        return time.monotonic() - started

    def state(self) -> str:
        """Who runs, who leads, what is in force where: for whom convergence fails."""
        lines = [f"the cluster compiles to {fresh_version(self.caller)[:12]}"]
        for number, router in self.routers.items():
            status, said = router("/readyz")
            lines.append(f"router {number} has {router.version} at {router.position}, /readyz {status}: {said!r}")
        for number, operator in self.operators.items():
            ended = operator.process.poll()
            lines.append(
                f"operator {number} {'runs' if ended is None else f'ended ({ended})'}, leads: {operator.leads()}"
            )
        return "; ".join(lines)

    def log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text()

    def clear(self) -> None:
        """Take back what was applied."""
        for body in self._applied:
            self.caller.delete(body)

    def stop(self) -> None:
        """Only what was started here."""
        for each in (*self.routers.values(), *self.operators.values()):
            each.kill()
        for server in self.models.values():
            server.stop()


def never_back(positions: list[tuple[int, int]]) -> bool:
    known = [position for position in positions if position != (0, 0)]
    return known == sorted(known)
