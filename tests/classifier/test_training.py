"""Training is repeatable, its artefacts are guarded, and its seeds are complete."""

from pathlib import Path

import numpy as np
import pytest
from pointsman_classifier.heads import CATEGORIES, DamagedArtefactError, Heads, load_artefact
from pointsman_classifier.logistic import fit_softmax
from pointsman_classifier.scoring import Scorer
from train import artefact
from train.sources import seed_pairs, seed_prompts

from tests.classifier.labelled import COMPANY_LABELLED, EXAMPLES, LABELLED


def three_clouds() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(1)
    labels = np.repeat(np.arange(3), 40)
    return np.eye(3)[labels] * 2 + draw.normal(0, 0.5, (120, 3)), np.eye(3)[labels]


def test_the_same_data_give_the_same_file(tmp_path: Path) -> None:
    digests = []
    for folder in ("a", "b"):
        x, y = three_clouds()
        weights, bias = fit_softmax(x, y, np.ones(len(x)), 1e-3)
        assert ((x @ weights + bias).argmax(1) == y.argmax(1)).mean() > 0.95
        digests.append(artefact.write(tmp_path / folder, "w", {"weights": weights, "bias": bias}))
    assert digests[0] == digests[1]
    assert (tmp_path / "a" / "w.npz").read_bytes() == (tmp_path / "b" / "w.npz").read_bytes()


def test_a_damaged_artefact_is_refused(tmp_path: Path) -> None:
    digest = artefact.write(tmp_path, "w", {"x": np.ones(3, np.float16)})
    arrays, found = load_artefact("w", tmp_path)
    assert (arrays["x"].tolist(), found) == ([1.0, 1.0, 1.0], digest)
    content = bytearray((tmp_path / "w.npz").read_bytes())
    content[20] ^= 1
    (tmp_path / "w.npz").write_bytes(content)
    with pytest.raises(DamagedArtefactError):
        load_artefact("w", tmp_path)


def test_the_shipped_artefacts_are_small_and_whole() -> None:
    assert Heads.load().digest != Scorer.load().digest
    folder = Path(__file__).parents[2] / "classifier" / "pointsman_classifier" / "artefacts"
    assert sum(file.stat().st_size for file in folder.iterdir()) < 6_000_000


def test_seeds_cover_every_category_in_many_languages() -> None:
    seeds = seed_prompts()
    assert {seed.category for seed in seeds} == set(CATEGORIES)
    languages = {seed.language for seed in seeds}
    assert len(languages) >= 12
    for language in languages:
        assert {s.category for s in seeds if s.language == language} == set(CATEGORIES), language
    for name in ("descriptions.txt", "templates.txt"):
        assert {category for category, _ in seed_pairs(name)} <= set(CATEGORIES)
    assert all(0 <= seed.difficulty <= 1 for seed in seeds)


def test_no_labelled_test_prompt_is_a_seed() -> None:
    trained = {seed.text.casefold() for seed in seed_prompts()} - {"hello!"}  # the one that the brief demands
    assert not trained & {text.casefold() for _, text in LABELLED + COMPANY_LABELLED}
    assert not trained & {text.casefold() for texts in EXAMPLES.values() for text in texts}
