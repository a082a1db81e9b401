"""What docs/triton.md tells people to type, on a real Triton server."""

import json
import shutil
from pathlib import Path

import pytest
from pointsman_classifier.heads import ARTEFACTS

from tests.support.consoles import ROOT, Terminal, commands, workspace
from tests.support.ports import free_ports
from tests.support.triton import Unavailable, installed


def test_a_server_is_started_and_releases_come_and_go(tmp_path: Path) -> None:
    try:
        home = installed()
    except Unavailable as error:
        pytest.skip(f"no Triton: {error}")
    folder = workspace(tmp_path / "pointsman")
    shutil.copytree(ROOT / "examples" / "eval", folder / "policies", ignore=shutil.ignore_patterns("*.jsonl"))
    cases = (ROOT / "examples" / "eval" / "cases.jsonl").read_text().splitlines()
    (folder / "cases.jsonl").write_text("".join(f"{line}\n" for line in cases if "turn" not in json.loads(line)))
    (folder / "new-heads").mkdir()
    for name in ("heads.npz", "heads.sha256"):
        shutil.copy(ARTEFACTS / name, folder / "new-heads" / name)

    http, grpc, asked, served, measured = free_ports(5)
    ports = f"--grpc-port={asked} --http-port={served} --metrics-port={measured}"
    replaced = {
        "python3.11 -m venv triton": f"ln -s {home} triton",  # it is installed there already, by the same file
        "triton/bin/python -m pip install --require-hashes -r requirements/triton.txt": "ls requirements/triton.txt",
        "pointsman_classifier.triton_server models": f"pointsman_classifier.triton_server models {ports}",
        "127.0.0.1:8001": f"127.0.0.1:{asked}",
        "HOST:8001": f"127.0.0.1:{asked}",
        "pointsman serve": f"pointsman serve --http 127.0.0.1:{http} --grpc 127.0.0.1:{grpc}",
    }
    *prepare, start, serve = commands("docs/triton.md", "Start one")
    with Terminal(folder, replaced, {"TMPDIR": str(tmp_path)}) as terminal:
        for command in prepare:
            terminal.run(command, 300)
        terminal.serve(start, asked, 300)
        terminal.serve(serve, http)
        terminal.until(f"curl -s 127.0.0.1:{http}/readyz | grep 'release 1'")
        said = [terminal.run(command, 300) for command in commands("docs/triton.md", "Releases")]
    assert "release 2 is in" in said[0]
    assert "release 2 answers" in said[1]
    assert "2" in said[2]
    assert "release 1 answers" in said[3]
