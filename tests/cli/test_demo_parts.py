"""The parts of the demonstration that need no model; the whole is in tests/data_plane/test_demo.py."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pointsman.cli.demo import probe, stage, tour
from pointsman.cli.demo.children import Child, end
from pointsman.core.errors import ConfigError
from pointsman.core.installation import Installation
from pointsman.core.keys import parse_keys
from router_svc.source.folder import Folder
from tests.cli.conftest import EXAMPLE, Run

WAIT = 20.0

PARENT = """
import signal, sys
from pathlib import Path
from pointsman.cli.demo.children import Child
child = Child("sleeper", ["-c", "import signal; signal.pause()"], Path(sys.argv[1]))
print(child.pid, flush=True)
signal.pause()
"""

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"


def ends(pidfd: int, within: float = WAIT) -> bool:
    """Whether a process ends in time."""
    ready, _, _ = select.select([pidfd], [], [], within)
    os.close(pidfd)
    return bool(ready)


def test_children_end_even_when_their_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = os.pidfd_open(int(parent.stdout.readline()))
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    assert ends(child)


def test_a_child_that_will_not_end_is_killed(tmp_path: Path) -> None:
    child = Child("stubborn", ["-c", STUBBORN], tmp_path / "log")
    late = time.monotonic() + WAIT
    while child.lines() != ["deaf"]:
        assert time.monotonic() < late, child.last_words()
    end([child], limit=0.2)
    assert not child.running


def test_a_child_can_be_started_again(tmp_path: Path) -> None:
    child = Child("brief", ["-c", "print('first')"], tmp_path / "log")
    child.wait(time.monotonic() + WAIT)
    assert child.lines() == ["first"]
    child.restart(["-c", "print('second')"])
    child.wait(time.monotonic() + WAIT)
    assert child.last_words() == "second"


@pytest.fixture
def place(tmp_path: Path) -> stage.Stage:
    place = stage.Stage(tmp_path)
    place.set(EXAMPLE, "demo", {"small": 1001, "large": 1002, "flaky": 1003})
    return place


def test_the_stage_is_the_example_with_other_ports(place: stage.Stage) -> None:
    loaded = Folder(place.policies, Installation(allow_loopback=True)).load()
    assert loaded is not None
    assert loaded.problems == ()
    ports = {key: [each.port for each in endpoints] for key, endpoints in loaded.endpoints.items()}
    assert ports == {"demo/small": [1001], "demo/large": [1002], "demo/flaky": [1003]}
    assert set(loaded.snapshot.virtual_names) == {"auto", "auto-flaky"}


def test_an_edit_of_the_example_reaches_the_stage(place: stage.Stage) -> None:
    assert (place.policies / "policy.yaml").resolve() == EXAMPLE / "policy.yaml"


def test_the_keys_are_in_order_and_private(place: stage.Stage) -> None:
    parsed = parse_keys(place.keys.read_text())
    assert parsed.problems == ()
    assert {entry.tenant for entry in parsed.entries} == {"public", "free", "paid"}
    assert place.keys.stat().st_mode & 0o777 == 0o600


def test_an_address_in_use_says_how_to_choose_another() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(ConfigError, match=r"POINTSMAN_HTTP=127\.0\.0\.1:"):
            probe.require_free(address, "POINTSMAN_HTTP")
    with pytest.raises(ConfigError, match="HOST:PORT"):
        probe.require_free("8080", "POINTSMAN_HTTP")


def test_a_probe_of_nothing_is_no_answer() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = probe.base_url(f"0.0.0.0:{free.getsockname()[1]}")
    assert url.startswith("http://127.0.0.1:")
    assert not probe.answers(url, "auto")


def test_every_line_of_the_tour_is_shell() -> None:
    scene = tour.Scene("http://127.0.0.1:1", "http://127.0.0.1:2", {"small": 1, "large": 2}, "pointsman", "a b")
    commands = [command for step in tour.steps(scene) for command in step.commands]
    assert len(commands) > 10
    for command in commands:
        subprocess.run(["bash", "-n", "-c", command], check=True)
        assert "\n" not in command


def test_a_model_server_without_weights_says_so(pointsman: Run, tmp_path: Path) -> None:
    done = pointsman("model-server", "--weights", tmp_path / "none.gguf")
    assert done.returncode == 2
    assert "none.gguf is not a file" in done.stderr


def test_serve_refuses_what_it_cannot_use(pointsman: Run, tmp_path: Path) -> None:
    flags = ("--classifier", "none", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0")
    missing = pointsman("serve", tmp_path / "missing", *flags)
    assert missing.returncode == 2
    assert "missing" in missing.stderr
    assert "Traceback" not in missing.stderr
    address = pointsman("serve", EXAMPLE, "--classifier", "none", "--http", "8080")
    assert address.returncode == 2
    assert "HOST:PORT" in address.stderr
