"""Releases are promoted by the gate, refused by it, and rolled back, on a server that answers all the time."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pointsman_classifier.heads import ARTEFACTS
from typer.testing import CliRunner

from pointsman.cli.app import app
from pointsman.cli.triton.gate import Case, Limits, judge
from pointsman.core.signals import Classification
from tests.classifier.labelled import LABELLED
from tests.support.triton import TritonServer


@pytest.fixture
def run(own_triton: TritonServer) -> Callable[..., str]:
    own_triton.start()

    def call(command: str, *options: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["triton", command, str(own_triton.repository), *options])
        assert result.exit_code == code, result.output
        return f"{result.output}{result.exception or ''}"

    return call


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    words = {"code": "code", "mathematics": "mathematics", "translation": "translation", "chit-chat": "chit-chat"}
    lines = [
        {"messages": [{"role": "user", "content": text}], "category": words[route]}
        for route, text in LABELLED
        if route in words
    ]
    file = tmp_path / "cases.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def heads(folder: Path, change: Callable[[dict[str, np.ndarray]], None], checksum: str | None = None) -> Path:
    """Other heads: those of the package, changed."""
    with np.load(io.BytesIO((ARTEFACTS / "heads.npz").read_bytes())) as archive:
        arrays = {name: archive[name] for name in archive.files}
    change(arrays)
    folder.mkdir()
    np.savez(folder / "heads.npz", **arrays)
    digest = checksum or hashlib.sha256((folder / "heads.npz").read_bytes()).hexdigest()
    (folder / "heads.sha256").write_text(f"{digest}  heads.npz\n")
    return folder


def upset(arrays: dict[str, np.ndarray]) -> None:
    arrays["weights"] = -arrays["weights"]


def nothing(arrays: dict[str, np.ndarray]) -> None:
    pass


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_a_good_release_is_promoted_and_rolled_back(
    run: Callable[..., str], own_triton: TritonServer, cases: Path, tmp_path: Path
) -> None:
    server = f"--server={own_triton.address}"
    assert "release 1 answers already" in run("promote", server, f"--cases={cases}")
    run("rollback", server, code=1)
    assert "release 2 is in" in run("build", f"--heads={heads(tmp_path / 'same', nothing)}")
    assert "release 2 answers" in run("promote", server, f"--cases={cases}")
    assert json.loads(run("versions", "--json")) == {"releases": [1, 2], "current": 2, "previous": 1}

    run("build", f"--heads={heads(tmp_path / 'worse', upset)}")
    refused = run("promote", server, f"--cases={cases}", code=1)
    assert "release 2 answers" in refused

    damaged = heads(tmp_path / "damaged", nothing, checksum="0" * 64)
    assert "does not match its checksum" in run("build", f"--heads={damaged}", code=1)
    run("build")
    flip_a_bit(own_triton.repository / "encoder" / "4" / "model.onnx")
    assert "is not loaded" in run("promote", server, f"--cases={cases}", code=1)
    assert json.loads(run("versions", "--json"))["current"] == 2

    assert "release 1 answers" in run("rollback", server)
    run("rollback", server, code=1)  # it does not go back to what was rolled back
    assert own_triton.asked() == "1"


def case(category: str) -> Case:
    return Case(messages=(), category=category)


def says(*answers: str) -> Callable[..., Classification]:
    waiting = iter(answers)
    return lambda _turns: Classification(category={next(waiting): 1.0})


@pytest.mark.parametrize(
    ("old", "new", "passed"),
    [("aaaa", "aaaa", True), ("abbb", "aaaa", False), ("aaaa", "aaab", False), ("aaab", "aaaa", False)],
    ids=["same", "too different", "worse", "better, but too different"],
)
def test_the_gate(old: str, new: str, passed: bool) -> None:
    verdict = judge([case("a")] * 4, says(*old), says(*new), Limits(drop=0.01, agreement=0.9))
    assert verdict.passed is passed
    assert verdict.candidate == new.count("a") / 4


def test_better_answers_pass_a_gate_that_allows_change() -> None:
    assert judge([case("a")] * 4, says(*"aaab"), says(*"aaaa"), Limits(agreement=0.5)).passed
