"""A Triton backend named `onnxruntime`, for servers that come without NVIDIA's: the onnxruntime wheel, in Python.

It serves the same model repository. On a CPU the texts of a batch are run one by one and without their padding: one
core gains nothing by batching, and the vectors are then those of the embedded classifier to the last bit. On a GPU
a batch is run as one. Only what is asked for is answered.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb  # given by the server

Arrays = dict[str, Any]
"""Tensors by name."""

_MASK = "attention_mask"
"""The input that tells how much of each text is padding, which inputs of any length have."""


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
        _check(path)
        self._session = onnxruntime.InferenceSession(str(path), options, providers=[*gpu, "CPUExecutionProvider"])
        self._inputs = [port["name"] for port in config["input"]]
        self._sequences = {port["name"] for port in config["input"] if list(map(int, port["dims"])) == [-1]}

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request; on a CPU by itself, so that one that is wrong fails alone."""
        return self._together(requests) if self._gpu else [self._alone(request) for request in requests]

    def _alone(self, request: Any) -> Any:
        try:
            outputs = self._one_by_one(self._given(request), list(request.requested_output_names()))
        except Exception as error:
            return _failed(error)
        return _answer(outputs)

    def _together(self, requests: list[Any]) -> list[Any]:
        """One batch: the server's batcher has brought requests of one shape together."""
        try:
            given = [self._given(request) for request in requests]
            ends = np.cumsum([len(each[_MASK]) for each in given])[:-1]
            wanted = [request.requested_output_names() for request in requests]
            names = sorted(set().union(*wanted))
            outputs = self._run({name: np.concatenate([each[name] for each in given]) for name in self._inputs}, names)
        except Exception as error:
            return [_failed(error) for _ in requests]
        parts = {name: np.split(array, ends) for name, array in outputs.items()}
        return [_answer({name: parts[name][i] for name in some}) for i, some in enumerate(wanted)]

    def _one_by_one(self, given: Arrays, wanted: list[str]) -> Arrays:
        lengths = np.maximum(given[_MASK].sum(axis=1), 1)
        rows = [self._run(self._row(given, i, n), wanted) for i, n in enumerate(lengths)]
        return {name: np.concatenate([row[name] for row in rows]) for name in wanted} if len(rows) > 1 else rows[0]

    def _row(self, given: Arrays, i: int, length: int) -> Arrays:
        """One text of a batch, without its padding."""
        row = {name: array[i : i + 1] for name, array in given.items()}
        return {name: array[:, :length] if name in self._sequences else array for name, array in row.items()}

    def _run(self, given: Arrays, wanted: list[str]) -> Arrays:
        return dict(zip(wanted, self._session.run(wanted, given), strict=True))

    def _given(self, request: Any) -> Arrays:
        return {name: pb.get_input_tensor_by_name(request, name).as_numpy() for name in self._inputs}


def _check(path: Path) -> None:
    """Raises ValueError when the model is not the file whose SHA-256 lies beside it, if one does."""
    checksum = path.with_suffix(".sha256")
    if checksum.exists() and checksum.read_text("ascii").split()[0] != hashlib.sha256(path.read_bytes()).hexdigest():
        raise ValueError(f"{path.name} does not match its checksum")


def _answer(outputs: Arrays) -> Any:
    return pb.InferenceResponse([pb.Tensor(name, array) for name, array in outputs.items()])


def _failed(error: Exception) -> Any:
    return pb.InferenceResponse(error=pb.TritonError(f"onnxruntime: {type(error).__name__}"))
