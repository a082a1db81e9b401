"""One gRPC channel to a Triton server, and one inference over it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import grpc
import numpy as np
import numpy.typing as npt
from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

MODEL = "classifier"
"""The ensemble; which release of it answers is the server's choice."""

_OPTIONS = [
    # headless Services list every server; one that is gone is tried again within seconds, not minutes
    ("grpc.lb_policy_name", "round_robin"),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
]

Rows = Mapping[str, npt.NDArray[np.float32]]
"""An output's name to its values, shape (texts, width)."""


class NoAnswer(Exception):
    """Triton gave no usable answer. The message is a fixed word or a gRPC status, never what a server wrote."""

    def __init__(self, reason: str, *, wrong: bool = False) -> None:
        super().__init__(reason)
        self.wrong = wrong
        """It answered, but not what was agreed: asking again would not help."""


class Inferred(NamedTuple):
    """What came back, checked."""

    rows: Rows
    release: str
    """The version of the ensemble that answered."""


class Connection:
    """Closed only when idle: a call whose channel is closed under it ends as if its request had been cancelled."""

    def __init__(self, address: str, outputs: Mapping[str, int], model: str = MODEL) -> None:
        self._client = InferenceServerClient(address, channel_args=_OPTIONS)
        self._outputs, self._model = outputs, model
        self.in_flight = 0

    async def infer(self, texts: Sequence[str], seconds: float, headers: Mapping[str, str]) -> Inferred:
        """All outputs for some texts, as one batch. Raises NoAnswer, at the latest after `seconds`."""
        tensor = InferInput("TEXT", [len(texts), 1], "BYTES")
        tensor.set_data_from_numpy(np.array([[text.encode("utf-8", "replace")] for text in texts], np.object_))
        self.in_flight += 1
        try:
            result = await self._client.infer(self._model, [tensor], client_timeout=seconds, headers=dict(headers))
        except InferenceServerException as error:
            raise NoAnswer(str(error.status() or "no status").removeprefix("StatusCode.")) from None
        except (grpc.RpcError, OSError, ValueError) as error:
            raise NoAnswer(type(error).__name__) from None
        finally:
            self.in_flight -= 1
        rows = {name: result.as_numpy(name) for name in self._outputs}
        _check(rows, self._outputs, len(texts))
        return Inferred(rows, result.get_response().model_version)

    async def close(self) -> None:
        """Close the channel."""
        await self._client.close()


def _check(rows: Mapping[str, npt.NDArray[np.float32] | None], outputs: Mapping[str, int], texts: int) -> None:
    """Raises NoAnswer unless every output is there, of its shape and finite."""
    for name, width in outputs.items():
        values = rows[name]
        if values is None or values.shape != (texts, width) or values.dtype != np.float32:
            raise NoAnswer(f"output {name} is not what was agreed", wrong=True)
        if not np.isfinite(values).all():
            raise NoAnswer(f"output {name} is not finite", wrong=True)
