"""Triton's `heads`: the judgement, taken apart into what the heads say by name."""

from typing import Any

import triton_python_backend_utils as pb  # given by the server
from pointsman_classifier.heads import by_name
from pointsman_classifier.triton_steps import SAID


class TritonPythonModel:
    """One instance; the server calls it from one thread."""

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        outputs = by_name(pb.get_input_tensor_by_name(request, SAID).as_numpy())
        return pb.InferenceResponse([pb.Tensor(name, array) for name, array in outputs.items()])
