"""A Triton backend named `onnxruntime`, for servers that come without NVIDIA's: the onnxruntime wheel, in Python.

It serves the same model repository. On a CPU the texts of a batch are run one by one and without their padding: one
core gains nothing by batching, and the vectors are then those of the embedded classifier to the last bit. On a GPU
a batch is run as one.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb  # given by the server


class TritonPythonModel:
    """One instance; the server calls it from one thread."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the version's model; a file that is not a model keeps the version from being loaded."""
        config = json.loads(args["model_config"])
        parameters = {name: value["string_value"] for name, value in config.get("parameters", {}).items()}
        self._gpu = args["model_instance_kind"] == "GPU"
        name = "model.fp16.onnx" if self._gpu else config["default_model_filename"] or "model.onnx"
        onnxruntime.disable_telemetry_events()  # on some platforms it tells its maker of its use
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(parameters.get("intra_op_thread_count", "1"))
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # its warnings can quote what it is given
        device = {"device_id": int(args["model_instance_device_id"])}
        gpu = [("CUDAExecutionProvider", device)] if self._gpu else []
        path = Path(args["model_repository"]) / args["model_version"] / name
        self._session = onnxruntime.InferenceSession(str(path), options, providers=[*gpu, "CPUExecutionProvider"])
        self._outputs = [port["name"] for port in config["output"]]

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request; on a CPU by itself, so that one that is wrong fails alone."""
        return self._together(requests) if self._gpu else [self._alone(request) for request in requests]

    def _alone(self, request: Any) -> Any:
        try:
            outputs = self._one_by_one(*_inputs(request))
        except Exception as error:
            return _failed(error)
        return self._answer(outputs)

    def _together(self, requests: list[Any]) -> list[Any]:
        """One batch: the server's batcher has brought requests of one shape together."""
        try:
            inputs = [_inputs(request) for request in requests]
            ends = np.cumsum([len(ids) for ids, _ in inputs])[:-1]
            outputs = self._run(*(np.concatenate(column) for column in zip(*inputs, strict=True)))
        except Exception as error:
            return [_failed(error) for _ in requests]
        return [self._answer(parts) for parts in zip(*(np.split(array, ends) for array in outputs), strict=True)]

    def _one_by_one(self, ids: Any, mask: Any) -> list[Any]:
        lengths = np.maximum(mask.sum(axis=1), 1)
        rows = [self._run(ids[i : i + 1, :n], mask[i : i + 1, :n]) for i, n in enumerate(lengths)]
        return [np.concatenate(parts) for parts in zip(*rows, strict=True)]

    def _run(self, ids: Any, mask: Any) -> list[Any]:
        outputs: list[Any] = self._session.run(self._outputs, {"input_ids": ids, "attention_mask": mask})
        return outputs

    def _answer(self, arrays: Iterable[Any]) -> Any:
        return pb.InferenceResponse([pb.Tensor(*port) for port in zip(self._outputs, arrays, strict=True)])


def _inputs(request: Any) -> tuple[Any, Any]:
    ids, mask = (pb.get_input_tensor_by_name(request, name).as_numpy() for name in ("input_ids", "attention_mask"))
    return ids, mask


def _failed(error: Exception) -> Any:
    return pb.InferenceResponse(error=pb.TritonError(f"onnxruntime: {type(error).__name__}"))
