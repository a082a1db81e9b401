"""The heads as a graph say what they say in numpy, of texts in many languages and of strange ones."""

from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest
from pointsman_classifier.encoder import Encoder
from pointsman_classifier.export_heads import export_heads
from pointsman_classifier.heads import ARTEFACTS, Heads, load_artefact
from pointsman_classifier.surface import surfaces
from pointsman_classifier.triton_steps import JUDGEMENT
from train.sources import seed_prompts

PROMPTS = [seed.text for seed in seed_prompts()][::5]
STRANGE = ["", "?", "\ud800", "1" * 5_000, "A. 1\nB. 2\n", "漢字" * 3_000, "me@example.org 4111 1111 1111 1111"]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    assert len(PROMPTS) >= 150
    return PROMPTS + STRANGE


@pytest.fixture(scope="module")
def vectors(encoder: Encoder, texts: list[str]) -> np.ndarray:
    return np.array([encoder.embed(text) for text in texts])


def other_heads() -> Heads:
    """Of the same layout, and nothing else in common with the package's."""
    arrays, _ = load_artefact("heads", ARTEFACTS)
    random = np.random.default_rng(5)
    changed = {name: random.normal(0, 1, array.shape).astype(np.float32) for name, array in arrays.items()}
    return Heads({**changed, "difficulty_error": np.float32(0.2)}, "other")


@pytest.mark.parametrize("loaded", [Heads.load, other_heads], ids=["shipped", "other"])
def test_the_graph_says_what_numpy_says(loaded: Callable[[], Heads], texts: list[str], vectors: np.ndarray) -> None:
    heads = loaded()
    model = export_heads(heads).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (said,) = session.run([JUDGEMENT], {"embedding": vectors, "surface": surfaces(texts)})
    assert np.allclose(said, heads.rows(texts, vectors), atol=1e-4)
