"""The heads as part of the encoder's ONNX graph, so that one model of Triton's gives embedding and judgement.

Beside the encoder's inputs the graph takes `surface` (float32, batch x SURFACE), and beside `embedding` it gives
`judgement`: what `Heads.rows` says, all of `heads.OUTPUTS` side by side; and the same again for the step after it. The
embedded classifier keeps its numpy heads. They are in 32 bits whatever the encoder's precision.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto, compose, numpy_helper, parser

from pointsman_classifier.gain import KINDS, WIDEST
from pointsman_classifier.guard import GUARD
from pointsman_classifier.heads import BINARY, CATEGORIES, OUTPUTS, WIDTH, Heads
from pointsman_classifier.surface import PARTS, SURFACE
from pointsman_classifier.triton_steps import JUDGEMENT, SAID
from pointsman_classifier.vectors import DIMENSIONS

_LOGITS = (len(CATEGORIES), len(BINARY), 1, len(KINDS), len(KINDS), 1, len(GUARD))
"""Widths: categories, needs, difficulty, kinds of request, gain as each kind, what a user's outcomes add, guard."""

_GRAPH = f"""
<ir_version: 8, opset_import: ["" : 17]>
heads (float[batch, {DIMENSIONS}] embedding, float[batch, {SURFACE}] surface)
=> (float[batch, {WIDTH}] {JUDGEMENT}, float[batch, {WIDTH}] {SAID}) {{
  shifted = Sub(surface, surface_mean)
  scaled = Mul(shifted, surface_scale)
  features, form, patterns = Split<axis = 1>(scaled, parts)
  bounded = Clip(form, narrowest, widest)
  standard = Concat<axis = 1>(features, bounded, patterns)
  of_text = Gemm(standard, of_surface, heads_bias)
  logits = Gemm(embedding, of_embedding, of_text)
  topics, needs, hard, kinds, gains, outcomes, attacks = Split<axis = 1>(logits, heads)

  category = Softmax<axis = 1>(topics)
  value = Sigmoid(hard)
  certain = Clip(value, confidence, confidence)
  difficulty = Concat<axis = 1>(value, certain)
  needed = Sigmoid(needs)
  {", ".join(BINARY)} = Split<axis = 1>(needed)
  share = Softmax<axis = 1>(kinds)
  adjusted = Add(gains, outcomes)
  gained = Sigmoid(adjusted)
  expected = Mul(share, gained)
  gain = ReduceSum<keepdims = 1>(expected, columns)
  warned = Sigmoid(attacks)
  {", ".join(GUARD)} = Split<axis = 1>(warned)
  {JUDGEMENT} = Concat<axis = 1>({", ".join(OUTPUTS)})
  {SAID} = Identity({JUDGEMENT})
}}
"""


def export_heads(heads: Heads) -> ModelProto:
    """The heads alone: `embedding` and `surface` to what they say."""
    w = heads.weights
    constants: dict[str, npt.ArrayLike] = {
        "surface_mean": w.mean,
        "surface_scale": w.scale,
        "narrowest": np.float32(-WIDEST),
        "widest": np.float32(WIDEST),
        "of_surface": w.of_surface,
        "of_embedding": w.of_embedding,
        "heads_bias": w.bias,
        "confidence": np.float32(w.confidence),
        "parts": np.array(PARTS, np.int64),
        "heads": np.array(_LOGITS, np.int64),
        "columns": np.array([1], np.int64),
    }
    model = parser.parse_model(_GRAPH)
    model.graph.initializer.extend(numpy_helper.from_array(np.array(value), name) for name, value in constants.items())
    onnx.checker.check_model(model, full_check=True)
    return model


def export_with_heads(encoder: Path, heads: Heads, destination: Path) -> None:
    """Write an exported encoder with these heads on it. Raises OSError."""
    joined, given = [("embedding", "embedding")], ["embedding", JUDGEMENT, SAID]
    whole = compose.merge_models(onnx.load(str(encoder)), export_heads(heads), joined, outputs=given)
    onnx.helper.set_model_props(whole, {"heads": heads.digest})
    onnx.checker.check_model(whole)
    onnx.save(whole, str(destination))
