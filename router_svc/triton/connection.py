"""One gRPC channel to a Triton server, and one inference over it.

The messages are those of `tritonclient`, the call is gRPC's own: the layers of the former's client between the two cost
a router as much as scoring its routes does.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import grpc
import numpy as np
import numpy.typing as npt
from tritonclient.grpc.service_pb2 import ModelInferRequest, ModelInferResponse
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

MODEL = "classifier"
"""The ensemble; which release of it answers is the server's choice."""

EMBEDDING, JUDGEMENT = "embedding", "judgement"
"""What is asked of it: the latter has all other outputs side by side, for two tensors cost both sides less than ten."""

_OPTIONS = [
    # a server that is gone is tried again within seconds, not minutes
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
        self._channel = grpc.aio.insecure_channel(address, options=_OPTIONS)
        self._call = GRPCInferenceServiceStub(self._channel).ModelInfer
        self._outputs, self._model = outputs, model
        self.in_flight = 0

    async def infer(self, texts: Sequence[str], seconds: float, headers: Mapping[str, str]) -> Inferred:
        """All outputs for some texts, as one batch. Raises NoAnswer, at the latest after `seconds`."""
        values, release = await self._ask(texts, seconds, headers, (EMBEDDING, JUDGEMENT))
        return Inferred(self._rows(values, len(texts)), release)

    async def probe(self, text: str, seconds: float) -> Inferred:
        """The same for one text, with all that the ensemble gives: the judgement must have it where it is read."""
        values, release = await self._ask((text,), seconds, {}, ())
        named = {name: _checked(name, values, (1, width)) for name, width in self._outputs.items()}
        rows = self._rows(values, 1)
        for name, row in named.items():
            if not np.array_equal(row, rows[name]):
                raise NoAnswer(f"output {name} is not in its place", wrong=True)
        return Inferred(rows, release)

    async def _ask(
        self, texts: Sequence[str], seconds: float, headers: Mapping[str, str], outputs: Sequence[str]
    ) -> tuple[Rows, str]:
        """Tensors by name, not checked yet, and the release; without a name, all that there are."""
        self.in_flight += 1
        try:
            request = _request(self._model, texts, outputs)
            response = await self._call(request, timeout=seconds, metadata=tuple(headers.items()))
        except grpc.RpcError as error:
            raise NoAnswer(error.code().name) from None
        except OSError as error:
            raise NoAnswer(type(error).__name__) from None
        finally:
            self.in_flight -= 1
        return _tensors(response), response.model_version

    def _rows(self, values: Rows, texts: int) -> Rows:
        judged = {name: width for name, width in self._outputs.items() if name != EMBEDDING}
        embedding = _checked(EMBEDDING, values, (texts, self._outputs[EMBEDDING]))
        return {EMBEDDING: embedding, **by_name(_checked(JUDGEMENT, values, (texts, sum(judged.values()))), judged)}

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close(None)


def _request(model: str, texts: Sequence[str], outputs: Sequence[str]) -> ModelInferRequest:
    """Texts as one batch: a string tensor's bytes are each string's length, in four bytes, and the string."""
    said = [text.encode("utf-8", "replace") for text in texts]
    return ModelInferRequest(
        model_name=model,
        inputs=[ModelInferRequest.InferInputTensor(name="TEXT", datatype="BYTES", shape=[len(said), 1])],
        outputs=[ModelInferRequest.InferRequestedOutputTensor(name=name) for name in outputs],
        raw_input_contents=[b"".join(len(each).to_bytes(4, "little") + each for each in said)],
    )


def _tensors(response: ModelInferResponse) -> Rows:
    """The floats among the outputs. Raises NoAnswer for a message that does not hold what it says."""
    try:
        pairs = zip(response.outputs, response.raw_output_contents, strict=True)
        return {o.name: np.frombuffer(raw, "<f4").reshape(o.shape) for o, raw in pairs if o.datatype == "FP32"}
    except ValueError:
        raise NoAnswer("tensors are not of their shapes", wrong=True) from None


def by_name(together: npt.NDArray[np.float32], outputs: Mapping[str, int]) -> Rows:
    """Outputs that stand side by side, taken apart by their widths."""
    places = zip(outputs.items(), accumulate(outputs.values()), strict=True)
    return {name: together[:, end - width : end] for (name, width), end in places}


def _checked(name: str, values: Rows, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Raises NoAnswer unless an output is there, of its shape and finite."""
    found = values.get(name)
    if found is None or found.shape != shape:
        raise NoAnswer(f"output {name} is not what was agreed", wrong=True)
    if not np.isfinite(found).all():
        raise NoAnswer(f"output {name} is not finite", wrong=True)
    return found
