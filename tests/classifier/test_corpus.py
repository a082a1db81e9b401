"""What the encoder learns from: each text once, with the English text that says what it means."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from train.corpus import corpus

WORDNET = """  1 This software and database is being provided to you
00001740 03 n 01 cat 0 000 | feline mammal; "the cat sat by the fire"; "cats"
00001741 03 n 01 ice_cream 0 000 | frozen dessert of cream
"""

ENGLISH = """Package: chess
Description-md5: 01
Description-en: play chess
 A game for two
 at one screen.
 .
 It has a clock.

Package: other
Description-md5: 02
Description-en: something else
 Nobody translated this.
"""

GERMAN = """Package: chess
Description-md5: 01
Description-de: Schach spielen
 Ein Spiel für zwei
 an einem Bildschirm.
 .
 Es hat eine Uhr.
"""


def write(folder: Path, name: str, found: Sequence[dict[str, Any]]) -> None:
    path = folder / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in found), "utf-8")


def folders(tmp_path: Path) -> tuple[Path, Path, Path, Path]:
    data, wordnet, translations, chat = (tmp_path / name for name in ("data", "wordnet", "translations", "chat"))
    for name in ("nlupp/nlupp", "gsm8k_train/train", "llmrouter/train_dev", "mmlu_pro/questions_dev"):
        write(data, name, [])
    for name in ("pii_synthetic/pii", "vllm_sr/kb_privacy_exemplars", "writingbench/writingbench"):
        write(data, name, [])
    write(data, "metatool/single_tool_dev", [{"query": "Which stocks rose?", "tool": "FinanceTool"}])
    (data / "metatool" / "plugin_des.json").write_text(json.dumps({"FinanceTool": "Prices of shares."}), "utf-8")
    write(data, "banking77/train", [{"text": "My card is lost"}, {"text": "My card is lost"}])
    write(data, "sgd/train_1500", [{"turns": [{"s": "U", "t": "Find me a hotel"}, {"s": "A", "t": "ok "}]}])
    write(
        data,
        "sib200/train_dev",
        [
            {"id": 1, "lang": "en", "split": "train", "text": "The river floods."},
            {"id": 1, "lang": "de", "split": "train", "text": "Der Fluss tritt über."},
            {"id": 2, "lang": "en", "split": "dev", "text": "This is measured."},
        ],
    )
    write(data, "xsid/valid_no_zh", [])
    for folder in (wordnet, translations, chat / "english"):
        folder.mkdir(parents=True)
    for part in ("noun", "verb", "adj", "adv"):
        (wordnet / f"data.{part}").write_text(WORDNET if part == "noun" else "")
    (translations / "Translation-en").write_text(ENGLISH)
    (translations / "Translation-de").write_text(GERMAN)
    (chat / "english" / "food.yml").write_text("conversations:\n- - Do you drink\n  - My brain needs none\n")
    return data, wordnet, translations, chat


def test_english_texts_mean_themselves_and_come_once(tmp_path: Path) -> None:
    found = corpus(*folders(tmp_path))
    assert found.count(("My card is lost", "My card is lost")) == 1
    for text in ("Find me a hotel", "Do you drink", "the cat sat by the fire"):
        assert (text, text) in found
    assert not any(text in {"ok", "cats"} for text, _ in found)  # too short to mean anything
    assert {("ice cream: frozen dessert of cream",) * 2, ("frozen dessert of cream",) * 2} & set(found)


def test_translations_mean_what_their_english_says(tmp_path: Path) -> None:
    found = dict(corpus(*folders(tmp_path)))
    assert found["Der Fluss tritt über."] == "The river floods."
    assert found["Schach spielen"] == "play chess"


def test_measured_parts_are_left_out(tmp_path: Path) -> None:
    assert "This is measured." not in dict(corpus(*folders(tmp_path)))


def test_the_order_is_fixed(tmp_path: Path) -> None:
    where = folders(tmp_path)
    assert corpus(*where) == corpus(*where)
