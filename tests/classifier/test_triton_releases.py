"""Releases are promoted by the gate, refused by it, and rolled back, on a server that answers all the time."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from pointsman_classifier import triton_configs
from pointsman_classifier.heads import ARTEFACTS
from pointsman_classifier.triton_build import build
from typer.testing import CliRunner

from pointsman.cli.app import app
from pointsman.cli.triton import promotion
from pointsman.cli.triton.control import Control, LoadError, servers
from pointsman.cli.triton.gate import Case, Limits, Verdict, judge, read_cases
from pointsman.core.errors import ConfigError
from pointsman.core.signals import Classification
from tests.classifier.labelled import LABELLED
from tests.support.triton import TritonServer, installed


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
    return Case(turns=(), wanted={"category": category})


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


class Stubborn:
    """Servers of which one does not load the ensemble when it names a release."""

    def __init__(self, repository: Path, refused: int) -> None:
        self._repository, self._refused = repository, refused
        self.answers = triton_configs.current(repository)

    def load(self, model: str) -> None:
        named = triton_configs.current(self._repository)
        if model == triton_configs.ENSEMBLE:
            if named == self._refused:
                raise LoadError(f"{model}: no")
            self.answers = named

    def unload(self, model: str) -> None:
        pass


def test_what_one_server_does_not_load_answers_at_none(tmp_path: Path) -> None:
    for _ in range(3):
        build(tmp_path, kind="KIND_CPU")
    passed = Verdict(1, 1, 1.0, 1.0, 1.0, passed=True)
    willing = cast("Control", Stubborn(tmp_path, refused=0))
    assert promotion.promote(tmp_path, willing, 2, lambda: passed).passed
    unwilling = Stubborn(tmp_path, refused=3)
    with pytest.raises(LoadError):
        promotion.promote(tmp_path, cast("Control", unwilling), 3, lambda: passed)
    assert (unwilling.answers, triton_configs.current(tmp_path), triton_configs.history(tmp_path)) == (2, 2, [1, 2])
    with pytest.raises(LoadError):
        promotion.roll_back(tmp_path, cast("Control", Stubborn(tmp_path, refused=1)))
    assert (triton_configs.current(tmp_path), triton_configs.history(tmp_path)) == (2, [1, 2])
    text = (tmp_path / "encoder" / "config.pbtxt").read_text()
    assert "versions: [ 2 ]" in text
    assert not (tmp_path / triton_configs.CANDIDATE).exists()


def test_several_servers_go_together(
    run: Callable[..., str], own_triton: TritonServer, cases: Path, tmp_path: Path
) -> None:
    """Over one repository, as on a volume that they share."""
    before = own_triton.asked()
    second = TritonServer(installed(), own_triton.repository, tmp_path)
    both = [f"--server={server.address}" for server in (own_triton, second)]
    try:
        second.start()
        number = run("build").split("release ")[1].split()[0]
        assert f"release {number} answers" in run("promote", *both, f"--cases={cases}")
        assert own_triton.asked() == second.asked() == number
        assert f"release {before} answers" in run("rollback", *both)
        assert own_triton.asked() == second.asked() == before

        run("promote", both[0], f"--cases={cases}", f"--release={number}")  # the second server was not told
        assert (own_triton.asked(), second.asked()) == (number, before)
        assert "answers already" in run("promote", both[1], f"--cases={cases}", f"--release={number}")
        assert second.asked() == number
    finally:
        second.stop()


@pytest.mark.parametrize(
    ("content", "labels", "wanted"),
    [
        ("hi", {}, {}),
        ("hi", {"route": None}, {"route": None}),
        ("hi", {"route": "default"}, {"route": None}),
        ([{"type": "text", "text": "hi"}], {"route": "a", "category": "b"}, {"route": "a", "category": "b"}),
    ],
    ids=["no label", "none fits", "default", "parts"],
)
def test_cases_are_those_of_eval(
    tmp_path: Path, content: object, labels: dict[str, str | None], wanted: dict[str, str | None]
) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text(json.dumps({"messages": [{"role": "user", "content": content}], **labels}))
    (case,) = read_cases(file)
    assert [turn.text for turn in case.turns] == ["hi"]
    assert case.wanted == wanted


def test_a_wrong_case_is_told_by_its_line_and_how_to_mend_it(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text('{"messages": [{"role": "user", "content": "hi"}], "route": 3}\n')
    with pytest.raises(ConfigError, match=r"line 1: .*route.*give the name of a route"):
        read_cases(file)


def test_a_repository_of_another_version_is_told(tmp_path: Path, cases: Path) -> None:
    build(tmp_path / "models", kind="KIND_CPU")
    config = tmp_path / "models" / "classifier" / "config.pbtxt"
    config.write_text(config.read_text().replace('model_name: "heads"', 'model_name: "rest"'))
    for command in (["promote", f"--cases={cases}"], ["rollback"], ["versions"]):
        result = CliRunner().invoke(app, ["triton", command[0], str(tmp_path / "models"), *command[1:]])
        assert "another version of Pointsman" in f"{result.output}{result.exception}"


def test_servers_are_those_behind_a_name() -> None:
    assert servers(["localhost:8001", "127.0.0.1:8001", "[::1]:8002"]) == ["127.0.0.1:8001", "[::1]:8002"]
    for wrong in ("localhost", ":8001", "nowhere.invalid:8001", "localhost:http"):
        with pytest.raises(ConfigError, match="write HOST:PORT"):
            servers([wrong])
