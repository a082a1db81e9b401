"""Explicit model control of some Triton servers that see one repository, over gRPC. Blocking."""

from collections.abc import Callable, Sequence
from types import TracebackType

from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from pointsman.core.errors import ConfigError
from router_svc.triton.servers import addresses

_SECONDS = 600.0
"""A model may take minutes to load: TensorRT builds its engines then."""


class LoadError(Exception):
    """A server did not load a model. What it had loaded goes on."""


def servers(names: Sequence[str]) -> list[str]:
    """The addresses of all servers behind some HOST:PORT, such as a headless Service. Raises ConfigError."""
    found: list[str] = []
    for name in names:
        host, _, port = name.rpartition(":")
        if not host or not port.isdigit():
            raise ConfigError(f"--server {name}: write HOST:PORT of Triton's gRPC")
        try:
            found += addresses(name)
        except OSError as error:
            raise ConfigError(f"--server {name}: {error.strerror}; write HOST:PORT of Triton's gRPC") from error
    return list(dict.fromkeys(found))


class Control:
    """Loads and unloads on all servers; for a `with` statement. Raises ConfigError where one does not answer."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._clients = {address: InferenceServerClient(address) for address in addresses}

    def __enter__(self) -> "Control":
        for address, client in self._clients.items():
            try:
                client.is_server_live(client_timeout=5.0)
            except InferenceServerException as error:
                raise ConfigError(f"no Triton server answers at {address}: {error.status()}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            client.close()

    def load(self, model: str) -> None:
        """Load what the repository now says of a model. Until that is done, and if it fails, the old answers.

        Every server is asked, also after one has failed. Raises LoadError.
        """
        self._each(model, lambda client: client.load_model(model, client_timeout=_SECONDS))

    def unload(self, model: str) -> None:
        """Unload a model, if it is loaded. Every server is asked. Raises LoadError."""
        self._each(model, lambda client: client.unload_model(model, client_timeout=_SECONDS))

    def _each(self, model: str, work: Callable[[InferenceServerClient], None]) -> None:
        failed = []
        for address, client in self._clients.items():
            try:
                work(client)
            except InferenceServerException as error:
                failed.append(f"{model} at {address}: {error.message()}")
        if failed:
            raise LoadError("; ".join(failed))
