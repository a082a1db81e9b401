"""The command `pointsman-faults`."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from pointsman_faults.__main__ import main

RUN = [sys.executable, "-m", "pointsman_faults"]


def test_help_shows_how_to_use_it(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("PUT", "/faults", "curl", "--keep-bodies", "RateLimit"))


def test_a_script_that_cannot_be_used_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    script = tmp_path / "script.json"
    script.write_text('{"rules": 3}')
    assert main(["--script", str(script)]) == 2
    assert "$.rules" in capsys.readouterr().err
    assert main(["--script", str(tmp_path / "none")]) == 2


def test_a_port_in_use_is_named(capsys: pytest.CaptureFixture[str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 2
    assert "cannot listen" in capsys.readouterr().err


def test_it_runs_until_it_is_told_to_stop(tmp_path: Path):
    script = tmp_path / "script.json"
    script.write_text('{"rules": [{"times": 1, "text": "from the script"}]}')
    command = [*RUN, "--port", "0", "--name", "tiny", "--script", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline().split()
        url = said[-1]
        assert said[0] == "tiny"
        body = json.dumps({"model": "m", "messages": []}).encode()
        with urllib.request.urlopen(urllib.request.Request(url + "/v1/chat/completions", data=body)) as response:
            assert json.load(response)["choices"][0]["message"]["content"] == "from the script"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
