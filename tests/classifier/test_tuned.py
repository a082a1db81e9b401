"""How far training moved the encoder's weights is kept in a small file, and gives them back."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from pointsman_classifier.heads import ARTEFACTS, DamagedArtefactError
from pointsman_classifier.tuned import FEATURES, changed, difference, shipped, wheel
from pointsman_classifier.vectors import DIMENSIONS


def test_changes_give_the_weights_back() -> None:
    draw = np.random.default_rng(0)
    before = {"matrix": draw.normal(size=(40, 8)), "vector": draw.normal(size=8), "kept": draw.normal(size=3)}
    moved = draw.normal(size=(40, 8)) * np.geomspace(1e-6, 1, 8)  # columns of very different sizes
    after = {"matrix": before["matrix"] + moved, "vector": before["vector"] + 1, "gate": np.ones(5)}
    changes = difference(before, after)
    found = changed(before, changes)
    assert np.all(np.abs(found["matrix"] - after["matrix"]) <= np.abs(moved).max(axis=0) / 127)
    assert np.allclose(found["vector"], after["vector"])
    assert np.array_equal(found["kept"], before["kept"])
    assert np.array_equal(found["gate"], np.ones(5))
    assert changes["matrix.steps"].dtype == np.int8


def test_a_matrix_that_did_not_move_stays() -> None:
    before = {"matrix": np.ones((3, 2))}
    assert np.array_equal(changed(before, difference(before, before))["matrix"], before["matrix"])


def test_changes_of_other_weights_are_refused() -> None:
    with pytest.raises(KeyError):
        changed({"other": np.ones((2, 2))}, difference({"matrix": np.ones((2, 2))}, {"matrix": np.zeros((2, 2))}))


def test_the_shipped_weights_have_the_layout_of_the_wheel() -> None:
    weights, digest = shipped()
    before = wheel()
    assert {name for name in weights if name not in before} == {"gate", "centre"}
    assert weights["gate"].shape == (FEATURES,)
    assert weights["centre"].shape == (DIMENSIONS,)
    assert all(weights[name].shape == before[name].shape for name in before)
    assert any(not np.array_equal(weights[name], before[name]) for name in ("w1_5", "d3"))
    assert len(digest) == 64


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    for name in ("encoder.npz", "encoder.sha256"):
        shutil.copy(Path(str(ARTEFACTS / name)), tmp_path)
    content = (tmp_path / "encoder.npz").read_bytes()
    (tmp_path / "encoder.npz").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DamagedArtefactError, match="encoder"):
        shipped(tmp_path)
