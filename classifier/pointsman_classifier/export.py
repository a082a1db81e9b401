"""The sentence encoder as an ONNX graph: USE-multilingual-v3 with the weights of `tuned`, quantised.

The graph takes `input_ids` and `attention_mask` (int64, batch x sequence) and gives `embedding` (float32,
batch x 512, unit length). Only standard operators are used, so that onnxruntime, Triton and TensorRT can run it.

The MatMuls over tokens, where the time goes, are done in int8; what follows the pooling stays in float:

- The convolutions scale their activations to uint8 per call (DynamicQuantizeLinear). Their weights have 7 bits, so
  that no CPU's 16-bit accumulator saturates and every CPU computes the same integers.
- The rows of the embedding table are 6-bit integers already, so they are multiplied as they are and scaled after,
  which is exact. (Scaling them to float and back to uint8 is what costs plain dynamic quantisation its fidelity.)

Other precisions have the same ports. FLOAT32 is the yardstick. FLOAT16 is for GPUs: neither TensorRT nor CUDA gain by
quantising activations per call, and TensorRT cannot gather bytes, so its table holds floats.
"""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

CHUNKS = 17  # the table is stored as 17 interleaved blocks, each with a scale and an offset of its own
BRANCH = 256  # width of one convolution branch
BRANCHES = ((2, 0), (3, 1), (5, 2))  # (n-gram order, tokens of left context)

Array = npt.NDArray[Any]


class Precision(Enum):
    """Of the operations over tokens; what follows the pooling is always in 32 bits."""

    INT8 = "int8"
    FLOAT16 = "float16"
    FLOAT32 = "float32"

    @property
    def activations(self) -> Any:
        """The numpy type of what flows between operations."""
        return np.float16 if self is Precision.FLOAT16 else np.float32


class _Graph:
    """Collects nodes and constants; every method returns the name of a tensor."""

    def __init__(self, precision: Precision) -> None:
        self.precision = precision
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def const(self, name: str, value: Array) -> str:
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def ints(self, *values: int) -> str:
        return self.const("ints_" + "_".join(map(str, values)), np.array(values, np.int64))

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        return self.op_many(kind, 1, *inputs, **attributes)[0]

    def op_many(self, kind: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        name = f"{kind}_{len(self.nodes)}"
        out = [f"{name}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, out, name=name, **attributes))
        return out

    def matmul(self, x: str, name: str, weight: Array) -> str:
        return self.op("MatMul", x, self.const(name, weight))

    def number(self, name: str, value: Array) -> str:
        """A constant for operations over tokens."""
        return self.const(name, value.astype(self.precision.activations))

    def cast(self, x: str, kind: Any) -> str:
        return self.op("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(kind)))

    def product_int8(self, x8: str, scale: str, zero: str, name: str, weight: Array) -> str:
        """Multiply activations that were scaled to integers by a constant weight."""
        quantised, weight_scale = _quantise(weight, limit=63)
        product = self.op("MatMulInteger", x8, self.const(name, quantised), zero)
        factor = self.op("Mul", scale, self.const(f"{name}_scale", weight_scale))
        return self.op("Mul", self.op("Cast", product, to=TensorProto.FLOAT), factor)

    def norm(self, x: str, name: str, gain: Array, bias: Array, epsilon: float) -> str:
        g, b = self.number(f"{name}_gain", gain), self.number(f"{name}_bias", bias)
        return self.op("LayerNormalization", x, g, b, axis=-1, epsilon=epsilon)


def export_encoder(weights: Mapping[str, Array], destination: Path, precision: Precision = Precision.INT8) -> None:
    """Write the encoder with these weights (`tuned`; `gate` and `centre` may be missing) as an ONNX file.

    Raises KeyError or ValueError when the weights have another layout than this was written for.
    """
    graph = _Graph(precision)
    _build(graph, weights)
    ports = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "sequence"]) for n in _INPUTS]
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", 512])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "use-multilingual-v3", ports, [embedding], list(graph.constants.values())),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
        producer_name="pointsman",
    )
    onnx.checker.check_model(model)
    onnx.save(model, str(destination))


_INPUTS = ("input_ids", "attention_mask")


def _build(g: _Graph, w: Mapping[str, Array]) -> None:
    epsilon = float(w["eps"])
    mask = g.op("Unsqueeze", g.cast("attention_mask", g.precision.activations), g.ints(2))
    tokens, projected = _embed(g, w) if g.precision is Precision.INT8 else _embed_float(g, w)
    normed = g.norm(projected, "branch_norm", _joined(w, "ln_g"), _joined(w, "ln_b"), epsilon)
    branches = g.op_many("Split", len(BRANCHES), g.op("Mul", normed, mask), axis=2)
    features = [tokens]
    for (order, left), x in zip(BRANCHES, branches, strict=True):
        places = _places(g, order)
        lower = g.op("Mul", _layer(g, w, x, 1, order, left, places), mask)
        features.append(_layer(g, w, lower, 2, order, left, places))
    normal = g.norm(g.op("Concat", *features, axis=2), "feature_norm", w["ln_g"], w["ln_b"], epsilon)
    if g.precision is Precision.FLOAT16:
        normal, mask = g.cast(normal, np.float32), g.cast(mask, np.float32)
    _head(g, w, _mean(g, w, normal, mask))


def _embed(g: _Graph, w: Mapping[str, Array]) -> tuple[str, str]:
    """Token embeddings (batch x sequence x 512) and their projection to the branches' inputs."""
    rows = g.op("Gather", g.const("table", table(w)), "input_ids")
    chunk = g.op("Mod", "input_ids", g.const("chunks", np.array(CHUNKS, np.int64)))
    scale = g.op("Gather", g.const("table_scale", w["scale"].reshape(CHUNKS, 1)), chunk)
    offset = g.op("Gather", g.const("table_offset", w["lo"].reshape(CHUNKS, 1)), chunk)
    tokens = g.op("Add", g.op("Mul", g.op("Cast", rows, to=TensorProto.FLOAT), scale), offset)

    # (rows * scale + offset) @ W = (rows @ W) * scale + offset * (column sums of W)
    weight = _joined(w, "proj", axis=1)
    quantised, weight_scale = _quantise(weight, limit=127)
    product = g.op("MatMulInteger", rows, g.const("proj", quantised))
    scaled = g.op("Mul", g.op("Cast", product, to=TensorProto.FLOAT), g.const("proj_scale", weight_scale))
    shift = g.op("Mul", offset, g.const("proj_sums", (quantised * weight_scale).sum(0, dtype=np.float32)))
    projected = g.op("Add", g.op("Mul", scaled, scale), shift)
    return tokens, g.op("Add", projected, g.const("proj_bias", _joined(w, "proj_b")))


def _embed_float(g: _Graph, w: Mapping[str, Array]) -> tuple[str, str]:
    """The same from a table of floats."""
    chunks = np.arange(CHUNKS * w["q1"].shape[0]) % CHUNKS
    scale, offset = (w[name].reshape(CHUNKS, 1)[chunks] for name in ("scale", "lo"))
    tokens = g.op("Gather", g.number("table", table(w) * scale + offset), "input_ids")
    projected = g.op("MatMul", tokens, g.number("proj", _joined(w, "proj", axis=1)))
    return tokens, g.op("Add", projected, g.number("proj_bias", _joined(w, "proj_b")))


def table(w: Mapping[str, Array]) -> npt.NDArray[np.uint8]:
    """The embedding table's rows in their order."""
    table = np.empty((CHUNKS * w["q1"].shape[0], w["q1"].shape[1]), np.uint8)
    for i in range(CHUNKS):
        table[i::CHUNKS] = w[f"q{i + 1}"]
    return table


def _places(g: _Graph, order: int) -> str:
    """Where each token's neighbours are in a padded text, shape (sequence, order)."""
    first, step = (g.const(f"number_{i}", np.array(i, np.int64)) for i in (0, 1))
    length = g.op("Squeeze", g.op("Shape", "input_ids", start=1, end=2), g.ints(0))
    return g.op("Add", g.op("Unsqueeze", g.op("Range", first, length, step), g.ints(1)), g.ints(*range(order)))


def _layer(g: _Graph, w: Mapping[str, Array], x: str, layer: int, order: int, left: int, places: str) -> str:
    """A convolution over `order` neighbouring tokens (the text padded with zeros), ReLU, and its input added."""
    weight, bias = w[f"w{layer}_{order}"], w[f"b{layer}_{order}"]
    name = f"conv{layer}_{order}"
    pads = g.ints(0, left, 0, 0, order - 1 - left, 0)

    def neighbours(padded: str) -> str:
        near = g.op("Gather", padded, places, axis=1)  # batch x sequence x order x BRANCH
        return g.op("Reshape", near, g.ints(0, -1, order * BRANCH))

    if g.precision is Precision.INT8:  # scaled first: bytes are shifted, and each activation is scaled once
        x8, scale, zero = g.op_many("DynamicQuantizeLinear", 3, x)
        product = g.product_int8(neighbours(g.op("Pad", x8, pads, zero)), scale, zero, name, weight)
    else:
        product = g.op("MatMul", neighbours(g.op("Pad", x, pads)), g.number(name, weight))
    return g.op("Add", g.op("Relu", g.op("Add", product, g.number(f"{name}_bias", bias))), x)


def _mean(g: _Graph, w: Mapping[str, Array], features: str, mask: str) -> str:
    """Sum over the tokens, each as much as its gate says, projected, divided by the square root of their number (as
    USE was trained)."""
    total = _gated_sum(g, w, features, mask)
    count = g.op("ReduceSum", mask, g.ints(1), keepdims=0)
    bias = g.op("Mul", count, g.const("mean_bias", w["cnn_b"]))
    return g.op("Div", g.op("Add", g.matmul(total, "mean", w["cnn_W"]), bias), g.op("Sqrt", count))


def _gated_sum(g: _Graph, w: Mapping[str, Array], features: str, mask: str) -> str:
    """Sum over the tokens of what the mask leaves: shape (batch, features)."""
    if "gate" not in w:
        return g.op("ReduceSum", g.op("Mul", features, mask), g.ints(1), keepdims=0)
    counts = g.op("Mul", g.op("Sigmoid", g.matmul(features, "gate", w["gate"].reshape(-1, 1))), mask)
    twice = g.op("Mul", counts, g.const("two", np.float32(2).reshape(1)))
    total = g.op("MatMul", g.op("Transpose", twice, perm=[0, 2, 1]), features)
    return g.op("Squeeze", total, g.ints(1))


def _head(g: _Graph, w: Mapping[str, Array], x: str) -> None:
    """The residual network on top; its last node is the output `embedding`."""

    def relu_sum(*terms: str) -> str:
        return g.op("Relu", g.op("Sum", *terms))

    y0 = g.op("Relu", g.matmul(x, "d0", w["d0"]))
    y1 = relu_sum(g.matmul(x, "p1", w["p1"]), g.matmul(y0, "d1", w["d1"]))
    y2 = g.op("Relu", g.matmul(y1, "d2", w["d2"]))
    out = g.op("Tanh", g.op("Add", g.matmul(y1, "p3", w["p3"]), g.matmul(y2, "d3", w["d3"])))
    if "centre" in w:
        out = g.op("Sub", g.op("Div", out, _length(g, out)), g.const("centre", w["centre"]))
    g.nodes.append(helper.make_node("Div", [out, _length(g, out)], ["embedding"], name="embedding"))


def _length(g: _Graph, x: str) -> str:
    return g.op("ReduceL2", x, axes=[1], keepdims=1)


def _joined(w: Mapping[str, Array], prefix: str, axis: int = 0) -> Array:
    """The parameters of the three branches side by side, to be applied at once."""
    return np.concatenate([w[f"{prefix}{order}"] for order, _ in BRANCHES], axis=axis)


def _quantise(weight: Array, limit: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Symmetric integers of at most `limit`, and one scale per column."""
    scale = np.maximum(np.abs(weight).max(axis=0), 1e-12).astype(np.float32) / np.float32(limit)
    return np.round(weight / scale).astype(np.int8), scale
