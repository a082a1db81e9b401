"""Triton's `heads`: texts and embeddings to what a request is about. The weights lie beside this file, so that each
version has its own; without them, those of the installed package are used."""

from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb  # given by the server
from pointsman_classifier import triton_steps
from pointsman_classifier.heads import Heads


class TritonPythonModel:
    """One instance; the server calls it from one thread."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the weights; a damaged file keeps this version from being loaded."""
        folder = Path(args["model_repository"]) / args["model_version"]
        self._heads = Heads.load(folder) if (folder / "heads.npz").exists() else Heads.load()

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request by itself, so that one that is wrong fails alone."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        try:
            texts = triton_steps.texts(pb.get_input_tensor_by_name(request, "TEXT").as_numpy())
            vectors = pb.get_input_tensor_by_name(request, "embedding").as_numpy()
            outputs = triton_steps.judged(self._heads, texts, vectors, request.requested_output_names())
        except Exception as error:
            return pb.InferenceResponse(error=pb.TritonError(f"heads: {type(error).__name__}"))
        return pb.InferenceResponse([pb.Tensor(name, array) for name, array in outputs.items()])
