"""Triton's `tokenizer`: texts to piece ids, and to what their surface says. All logic is in `pointsman_classifier`."""

from typing import Any

import triton_python_backend_utils as pb  # given by the server
from pointsman_classifier import triton_steps
from pointsman_classifier.surface import surfaces
from pointsman_classifier.tokenizer import Tokenizer


class TritonPythonModel:
    """One instance; the server calls it from one thread."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the vocabulary."""
        self._tokenizer = Tokenizer()

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request by itself, so that one that is wrong fails alone."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        try:
            texts = triton_steps.texts(pb.get_input_tensor_by_name(request, "TEXT").as_numpy())
            ids, mask = triton_steps.pieces(self._tokenizer, texts)
            outputs = {"input_ids": ids, "attention_mask": mask, "surface": surfaces(texts)}
        except Exception as error:
            return pb.InferenceResponse(error=pb.TritonError(f"tokenizer: {type(error).__name__}"))
        return pb.InferenceResponse([pb.Tensor(name, array) for name, array in outputs.items()])
