"""What the documents tell people to type without a cluster, as it is written: only ports differ."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.consoles import ROOT, Command, Terminal, commands, headers, workspace
from tests.support.ports import free_ports

PORTS = ("8080", "8081", "8082", "8083", "9001", "9002", "18001", "18002", "18003")


class Desk:
    """A checkout with a terminal, and other ports than those that the documents name."""

    def __init__(self, folder: Path) -> None:
        self.folder = workspace(folder / "pointsman")
        self.port = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.home = folder / "home"
        self.home.mkdir()
        servers = f"pointsman serve --http 127.0.0.1:{self.port['8080']} --grpc 127.0.0.1:{self.port['8081']}"
        replaced = {"pointsman serve": servers} | {name: str(port) for name, port in self.port.items()}
        self.terminal = Terminal(
            self.folder,
            replaced,
            {
                "HOME": str(self.home),
                "POINTSMAN_CACHE": str(Path.home() / ".cache" / "pointsman"),
                "POINTSMAN_HTTP": f"127.0.0.1:{self.port['8080']}",
                "POINTSMAN_GRPC": f"127.0.0.1:{self.port['8081']}",
            },
        )

    def put(self, file: str, text: str) -> None:
        (self.folder / file).parent.mkdir(exist_ok=True)
        (self.folder / file).write_text(self.terminal.replace(text))

    def run(self, command: Command, status: int = 0) -> str:
        return self.terminal.run(command, status=status)

    def serve(self, command: Command, port: str) -> None:
        self.terminal.serve(command, self.port[port])

    def ready(self) -> None:
        """Returns when the router is."""
        self.terminal.until("curl -sf http://127.0.0.1:8080/readyz")

    def chat(self, model: str) -> str:
        """The headers and body that a request to the router gives."""
        body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
        return self.terminal.run(f"curl -si http://127.0.0.1:8080/v1/chat/completions -d '{body}'")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    with made.terminal:
        yield made


def begins(said: str, shown: str) -> bool:
    """Whether a command printed what its page shows; a line … stands for more."""
    lines = "\n".join(line.rstrip() for line in said.splitlines())
    return lines.startswith(shown.removesuffix("…\n").rstrip("\n"))


def test_serve(desk: Desk) -> None:
    shutil.copytree(ROOT / "examples" / "eval", desk.folder / "policies", ignore=shutil.ignore_patterns("*.jsonl"))
    desk.terminal.run("pointsman keys create --tenant me keys.yaml")
    [serve] = commands("docs/cli.md", "serve")
    desk.serve(serve, "8080")
    assert "401" in desk.chat("auto")


def test_lint(desk: Desk) -> None:
    broken = (ROOT / "examples" / "01-one-machine" / "policy.yaml").read_text()
    broken = re.sub(r"^  routes:.*?(?=^  default:)", "  rotues: []\n", broken, flags=re.MULTILINE | re.DOTALL)
    desk.put("policies/policy.yaml", broken.replace("namespace: demo", "namespace: ai"))
    backends = (ROOT / "examples" / "01-one-machine" / "backends.yaml").read_text()
    desk.put("policies/backends.yaml", backends.replace("namespace: demo", "namespace: ai"))
    [lint] = commands("docs/cli.md", "lint")
    assert desk.run(lint, status=1) == lint.shown.rstrip("\n")


def test_explain(desk: Desk) -> None:
    for command in commands("docs/cli.md", "explain"):
        assert begins(desk.run(command), command.shown)


def test_eval(desk: Desk) -> None:
    pages = (commands("docs/cli.md", "eval"), commands("docs/evaluation.md"), commands("examples/eval/README.md"))
    for command in dict.fromkeys(each.bare for page in pages for each in page):
        assert desk.terminal.run(command, 300)
    assert (desk.folder / "figures.json").exists()
    assert list((desk.folder / "report").glob("*.md"))


def test_keys(desk: Desk) -> None:
    create, show, revoke = commands("docs/cli.md", "keys")
    made = desk.run(create)
    [name] = re.findall(r"^key (k-\w+) of tenant free; it is shown only now:\npm-", made)
    assert name in desk.run(show)
    desk.run(revoke._replace(text=re.sub(r"k-\w+", name, revoke.text)))
    assert name not in desk.run(show)


def test_completion(desk: Desk) -> None:
    for command in commands("docs/cli.md", "Completion"):
        assert desk.run(command)
    assert list(desk.home.glob(".bash*"))


def test_the_guides_first_folder(desk: Desk) -> None:
    guide = (ROOT / "docs" / "user-guide.md").read_text()
    [policies] = re.findall(r"### Without a cluster.*?```yaml\n(.*?)```", guide, re.DOTALL)
    desk.put("policies/policy.yaml", policies)
    servers, serve, ask, tell = commands("docs/user-guide.md", "Without a cluster")
    desk.serve(servers, "9001")
    desk.terminal.listening(desk.port["9002"])
    desk.serve(serve, "8080")
    desk.ready()
    assert "x-pointsman-backend: default/first" in desk.run(ask)
    desk.run(tell)
    assert "x-pointsman-backend: default/second" in desk.run(ask)


@pytest.mark.models
def test_the_example_piece_by_piece(desk: Desk) -> None:
    endpoints = "examples/01-one-machine/endpoints.yaml"
    desk.put(endpoints, (ROOT / endpoints).read_text())
    *servers, explain = commands("examples/01-one-machine/README.md")
    for command, port in zip(servers, ("18001", "18002", "18003", "8080"), strict=True):
        desk.serve(command, port)
    desk.ready()
    assert "HTTP/1.1 200" in desk.chat("auto")
    assert "(route code" in desk.run(explain)


@pytest.mark.models
def test_the_readmes_first_page(desk: Desk) -> None:
    if not (ROOT / ".venv" / ".run").exists():
        pytest.skip("`make run` would install an environment: this one was not made by make")
    run, _test, ask = commands("README.md", "Try it")
    desk.serve(run, "8080")
    desk.ready()  # as the demo says
    assert headers(desk.run(ask)) == headers(ask.shown)
    [program] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", desk.terminal.replace(program)], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.startswith("demo/")
