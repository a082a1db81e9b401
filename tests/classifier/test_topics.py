"""Labelled topics from which the encoder learns."""

import json
from pathlib import Path

import numpy as np
from train.topics import Topic, batch, taught
from train.wordnet import synsets

LAW = '00000002 03 n 01 law 0 001 ;c 00000009 n 0000 | rules of a land; "the law binds all of us"\n'
OATHS = "".join(
    f"{i:08d} 03 n 02 oath_{i} 0 promise 0 002 @ 00000001 n 0000 ;c 00000002 n 0000 "
    f'| (law) promise number {i}; "she swore oath {i} before the judge"; "oath"\n'
    for i in range(100, 108)
)


def folder(tmp_path: Path) -> Path:
    for part, lines in (("noun", "  1 a licence\n" + LAW + OATHS), ("verb", ""), ("adj", ""), ("adv", "")):
        (tmp_path / f"data.{part}").write_text(lines, "latin-1")
    return tmp_path


def data(tmp_path: Path) -> Path:
    sentences = [
        {"id": i, "lang": lang, "split": split, "category": "travel", "text": f"{lang} {split} {i}"}
        for i in range(3)
        for lang in ("en", "de", "hi")
        for split in ("train", "dev")
    ]
    questions = [{"category": "law", "question": "Who may sue?"}, {"category": "law", "question": "Who may sue?"}]
    for name, found in (("sib200/train_dev", sentences), ("mmlu_pro/questions_dev", questions)):
        path = tmp_path / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in found), "utf-8")
    return tmp_path


def test_wordnet_is_read_with_its_domains(tmp_path: Path) -> None:
    found = dict(synsets(folder(tmp_path)))
    assert len(found) == 9
    oath = found["n", "00000100"]
    assert oath.words == ["oath 100", "promise"]
    assert oath.gloss == "(law) promise number 100"
    assert oath.examples == ["she swore oath 100 before the judge", "oath"]
    assert oath.domains == [("n", "00000002")]


def test_topics_leave_out_what_is_measured_and_unknown_languages(tmp_path: Path) -> None:
    found = taught(data(tmp_path), folder(tmp_path))
    (travel,) = found["sentences"]
    assert travel.sentences == sorted(f"{lang} train {i}" for i in range(3) for lang in ("en", "de"))
    assert any("travel" in each.lower() for each in travel.wordings)
    (law,) = found["domains"]
    assert law.wordings == ["law", "rules of a land", "law. rules of a land"]
    assert len(law.sentences) == 16
    assert "oath 100: promise number 100" in law.sentences  # without the domain's name, which would give it away
    assert "oath" not in law.sentences
    assert found["exams"] == [Topic(["Who may sue?"], ["law"])]


def test_a_batch_has_sentences_and_a_wording_of_each_topic() -> None:
    topics = [Topic([f"{name}{i}" for i in range(9)], [f"about {name}"]) for name in "abc"]
    said, own = batch(topics, texts=12, most=2, draw=np.random.default_rng(0))
    assert len(said) == len(own) == 12
    assert len(set(own)) == 2
    for i in set(own):
        mine = [text for text, whose in zip(said, own, strict=True) if whose == i]
        assert mine.count(topics[i].wordings[0]) == 1
        assert len(set(mine)) == 6
    few, own = batch([Topic(["x"], ["about x"]), Topic(["y"], ["about y"])], 64, 16, np.random.default_rng(0))
    assert sorted(few) == ["about x", "about y", "x", "y"]
