"""Explicit model control of a Triton server, over gRPC. Blocking."""

from types import TracebackType

from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from pointsman.core.errors import ConfigError

_SECONDS = 600.0
"""A model may take minutes to load: TensorRT builds its engines then."""


class LoadError(Exception):
    """The server did not load a model. What it had loaded goes on."""


class Control:
    """Loads and unloads; for a `with` statement. Raises ConfigError where no server answers at that address."""

    def __init__(self, address: str) -> None:
        self._client, self._address = InferenceServerClient(address), address

    def __enter__(self) -> "Control":
        try:
            self._client.is_server_live(client_timeout=5.0)
        except InferenceServerException as error:
            raise ConfigError(f"no Triton server answers at {self._address}: {error.status()}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def load(self, model: str) -> None:
        """Load what the repository now says of a model. Until that is done, and if it fails, the old answers."""
        try:
            self._client.load_model(model, client_timeout=_SECONDS)
        except InferenceServerException as error:
            raise LoadError(f"{model}: {error.message()}") from error

    def unload(self, model: str) -> None:
        """Unload a model, if it is loaded."""
        try:
            self._client.unload_model(model, client_timeout=_SECONDS)
        except InferenceServerException as error:
            raise LoadError(f"{model}: {error.message()}") from error

    def loaded(self) -> list[tuple[str, str]]:
        """Names and versions of what is loaded."""
        index = self._client.get_model_repository_index(client_timeout=_SECONDS)
        return sorted((model.name, model.version) for model in index.models if model.state == "READY")
