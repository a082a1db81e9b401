"""A server of Triton's protocol whose answers a test chooses: what a real one cannot be made to say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import numpy as np
from tritonclient.grpc.service_pb2 import ModelInferRequest, ModelInferResponse
from tritonclient.grpc.service_pb2_grpc import (
    GRPCInferenceServiceServicer,
    add_GRPCInferenceServiceServicer_to_server,
)

OUTPUTS = {"embedding": 3, "category": 2, "gain": 1}
VECTORS = np.arange(6, dtype=np.float32).reshape(2, 3)
JUDGED = np.arange(6, dtype=np.float32).reshape(2, 3) + 10


class Servicer(GRPCInferenceServiceServicer):
    """Gives `tensors`, whatever it is asked."""

    def __init__(self, release: str = "7") -> None:
        self.tensors: dict[str, np.ndarray] = {"embedding": VECTORS, "judgement": JUDGED}
        self.release = release
        self.asked: list[ModelInferRequest] = []
        self.headers: dict[str, str] = {}
        self.cut = 0
        self.hangs = False

    async def ModelInfer(self, request, context):  # type: ignore[no-untyped-def]  # noqa: N802 gRPC's name
        """One answer."""
        self.asked.append(request)
        self.headers = dict(context.invocation_metadata())
        if self.hangs:
            await asyncio.sleep(3600)
        port = ModelInferResponse.InferOutputTensor
        return ModelInferResponse(
            model_version=self.release,
            outputs=[port(name=n, datatype="FP32", shape=a.shape) for n, a in self.tensors.items()],
            raw_output_contents=[a.tobytes()[self.cut :] for a in self.tensors.values()],
        )


@asynccontextmanager
async def answering(servicer: Servicer) -> AsyncIterator[str]:
    """Its address, while it serves."""
    server = grpc.aio.server()
    add_GRPCInferenceServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
