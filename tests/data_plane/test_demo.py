"""What `make run` prints is true: every line of the tour is run as a user would run it, in order."""

import os
import queue
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port

pytestmark = pytest.mark.models
ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


class Demo:
    """A running `pointsman demo`."""

    def __init__(self) -> None:
        http, grpc = free_port(), free_port()
        environment = {
            **os.environ,
            "POINTSMAN_HTTP": f"127.0.0.1:{http}",
            "POINTSMAN_GRPC": f"127.0.0.1:{grpc}",
            "COLUMNS": "80",
        }
        self.url = f"http://127.0.0.1:{http}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pointsman.cli", "demo"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.printed = self.read_until("ready")

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def read_until(self, wanted: str) -> list[str]:
        lines: list[str] = []
        while not lines or not re.fullmatch(wanted, lines[-1]):
            line = self._lines.get(timeout=PATIENCE)
            assert line is not None, "the demo ended; it said:\n" + "\n".join(lines)
            lines.append(line)
        return lines

    def commands(self, title: str) -> list[str]:
        start = next(index for index, line in enumerate(self.printed) if line.startswith(f"# {title}"))
        rest = self.printed[start + 1 :]
        return rest[: rest.index("")]

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def children(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    running = Demo()
    yield running
    running.process.kill()
    running.process.wait()


def header(answer: str, name: str) -> str | None:
    found = re.search(rf"^x-pointsman-{name}: (.*?)\r?$", answer, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else None


def test_every_line_of_the_tour_is_covered(demo: Demo) -> None:
    titles = [line.removeprefix("# ") for line in demo.printed if line.startswith("# ")]
    assert [title.split(":")[0].split(",")[0] for title in titles] == [
        "An easy question",
        "A hard one goes to the large model",
        "Another language",
        "A mode",
        "A stream",
        "The whole decision",
        "The same decision without a request",
        "The free tenant",
        "The paid tenant is not downgraded",
        "A killed backend",
        "A backend that fails on request",
        "What exists",
        "From Python (pip install openai)",
    ]


def test_an_easy_question_goes_to_the_small_model(demo: Demo) -> None:
    (command,) = demo.commands("An easy question")
    answer = demo.run(command)
    assert answer.startswith("HTTP/1.1 200")
    assert header(answer, "backend") == "demo/small"
    assert header(answer, "route") == "chit-chat"
    assert '"content":' in answer


def test_a_hard_question_goes_to_the_large_model(demo: Demo) -> None:
    (command,) = demo.commands("A hard one")
    answer = demo.run(command)
    assert header(answer, "backend") == "demo/large"
    assert header(answer, "route") == "mathematics"


def test_another_language_takes_the_same_routes(demo: Demo) -> None:
    (command,) = demo.commands("Another language")
    answer = demo.run(command)
    assert header(answer, "backend") == "demo/large"
    assert header(answer, "route") == "code"


def test_a_mode_is_asked_for_by_name_and_by_phrase(demo: Demo) -> None:
    by_name, by_phrase = demo.commands("A mode")
    assert "ModeByName" in (header(demo.run(by_name), "reason") or "")
    assert "ModeByPhrase" in (header(demo.run(by_phrase), "reason") or "")


def test_a_stream_comes_in_pieces_and_ends(demo: Demo) -> None:
    (command,) = demo.commands("A stream")
    streamed = demo.run(command)
    assert streamed.count("data: ") > 3
    assert streamed.rstrip().endswith("data: [DONE]")


def test_the_decision_stands_beside_the_answer(demo: Demo) -> None:
    (command,) = demo.commands("The whole decision")
    answer = demo.run(command)
    assert '"pointsman":' in answer
    assert '"route": "translation"' in answer


def test_explain_decides_without_a_request(demo: Demo) -> None:
    (command,) = demo.commands("The same decision")
    said = demo.run(command)
    assert "route translation" in said
    assert "Candidates" in said


def test_the_free_tenant_is_downgraded_once_its_tokens_are_spent(demo: Demo) -> None:
    (command,) = demo.commands("The free tenant")
    rows = demo.run(command).lower().splitlines()
    assert len(rows) == 6
    assert "x-pointsman-model: large" in rows[0]
    assert "downgraded" not in rows[0]
    assert "x-pointsman-model: small" in rows[-1], rows
    assert "x-pointsman-downgraded: free-5h" in rows[-1]


def test_the_paid_tenant_is_not(demo: Demo) -> None:
    (command,) = demo.commands("The paid tenant")
    answer = demo.run(command)
    assert header(answer, "backend") == "demo/large"
    assert header(answer, "downgraded") is None


def test_an_unknown_key_is_refused(demo: Demo) -> None:
    command = demo.commands("The paid tenant")[0].replace("pm-demo-paid", "pm-demo-unknown")
    assert demo.run(command).startswith("HTTP/1.1 401")


def test_a_failing_backend_is_replaced_until_it_is_well(demo: Demo) -> None:
    ask, fail, ask_again, mend = demo.commands("A backend that fails")
    assert header(demo.run(ask), "backend") == "demo/flaky"
    demo.run(fail)
    replaced = demo.run(ask_again)
    assert replaced.startswith("HTTP/1.1 200")
    assert header(replaced, "backend") == "demo/small"
    assert header(replaced, "attempts") == "2"
    demo.run(mend)
    assert header(demo.run(ask), "backend") == "demo/flaky"


def test_a_killed_backend_is_replaced_and_comes_back(demo: Demo) -> None:
    (command,) = demo.commands("A killed backend")
    answer = demo.run(command)
    assert answer.startswith("HTTP/1.1 200")
    assert header(answer, "backend") == "demo/small"
    demo.read_until("model large is started again.*")
    ask = command.partition("; ")[2]
    late = time.monotonic() + PATIENCE
    while header(demo.run(ask), "backend") != "demo/large":
        assert time.monotonic() < late, "the router did not find the large model again"


def test_models_are_listed(demo: Demo) -> None:
    (command,) = demo.commands("What exists")
    listed = demo.run(command)
    assert all(f'"{name}"' in listed for name in ("auto", "auto-flaky", "small", "large", "big", "flaky"))


def test_the_python_lines_run(demo: Demo) -> None:
    lines = demo.commands("From Python")
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert " said: " in done.stdout


def test_sigterm_ends_everything_that_was_started(demo: Demo) -> None:
    children = demo.children()
    assert len(children) == 4
    endings = [os.pidfd_open(pid) for pid in children]
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.wait(PATIENCE) == 0
    for ending in endings:
        ready, _, _ = select.select([ending], [], [], 0)
        assert ready, "a child outlived the demo"
        os.close(ending)
