"""One gRPC channel to a Triton server, and one inference over it."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import grpc
import numpy as np
import numpy.typing as npt
from tritonclient.grpc import InferInput, InferRequestedOutput, InferResult
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

MODEL = "classifier"
"""The ensemble; which release of it answers is the server's choice."""

EMBEDDING, JUDGEMENT = "embedding", "judgement"
"""What is asked of it: the latter has all other outputs side by side, for two tensors cost both sides less than ten."""

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
        """`outputs` are names and widths: the embedding's, then the others in the judgement's order."""
        self._client = InferenceServerClient(address, channel_args=_OPTIONS)
        self._outputs, self._model = outputs, model
        self._wanted = [InferRequestedOutput(name) for name in (EMBEDDING, JUDGEMENT)]
        self.in_flight = 0

    async def infer(self, texts: Sequence[str], seconds: float, headers: Mapping[str, str]) -> Inferred:
        """All outputs for some texts, as one batch. Raises NoAnswer, at the latest after `seconds`."""
        result = await self._ask(texts, seconds, headers, self._wanted)
        return self._inferred(result, len(texts))

    async def probe(self, text: str, seconds: float) -> Inferred:
        """The same for one text, with all that the ensemble gives: the judgement must have it where it is read."""
        result = await self._ask((text,), seconds, {}, None)
        named = {name: result.as_numpy(name) for name in self._outputs}
        for name, width in self._outputs.items():
            _check(name, named[name], (1, width))
        inferred = self._inferred(result, 1)
        for name, values in named.items():
            if not np.array_equal(values, inferred.rows[name]):
                raise NoAnswer(f"output {name} is not in its place", wrong=True)
        return inferred

    async def _ask(
        self,
        texts: Sequence[str],
        seconds: float,
        headers: Mapping[str, str],
        outputs: Sequence[InferRequestedOutput] | None,
    ) -> InferResult:
        tensor = InferInput("TEXT", [len(texts), 1], "BYTES")
        tensor.set_data_from_numpy(np.array([[text.encode("utf-8", "replace")] for text in texts], np.object_))
        self.in_flight += 1
        try:
            asked = self._client.infer(
                self._model, [tensor], outputs=outputs, client_timeout=seconds, headers=dict(headers)
            )
            return await asked
        except InferenceServerException as error:
            raise NoAnswer(str(error.status() or "no status").removeprefix("StatusCode.")) from None
        except (grpc.RpcError, OSError, ValueError) as error:
            raise NoAnswer(type(error).__name__) from None
        finally:
            self.in_flight -= 1

    def _inferred(self, result: InferResult, texts: int) -> Inferred:
        judged = {name: width for name, width in self._outputs.items() if name != EMBEDDING}
        embedding, judgement = (result.as_numpy(name) for name in (EMBEDDING, JUDGEMENT))
        _check(EMBEDDING, embedding, (texts, self._outputs[EMBEDDING]))
        _check(JUDGEMENT, judgement, (texts, sum(judged.values())))
        rows = {EMBEDDING: embedding, **by_name(judgement, judged)}
        return Inferred(rows, result.get_response().model_version)

    async def close(self) -> None:
        """Close the channel."""
        await self._client.close()


def by_name(together: npt.NDArray[np.float32], outputs: Mapping[str, int]) -> Rows:
    """Outputs that stand side by side, taken apart by their widths."""
    places = zip(outputs.items(), accumulate(outputs.values()), strict=True)
    return {name: together[:, end - width : end] for (name, width), end in places}


def _check(name: str, values: npt.NDArray[np.float32] | None, shape: tuple[int, int]) -> None:
    """Raises NoAnswer unless an output is there, of its shape and finite."""
    if values is None or values.shape != shape or values.dtype != np.float32:
        raise NoAnswer(f"output {name} is not what was agreed", wrong=True)
    if not np.isfinite(values).all():
        raise NoAnswer(f"output {name} is not finite", wrong=True)
