"""Every mistake of docs/mistakes.md is made, and what the page shows is what a user sees.

A section's YAML is `mistake.yaml`; its commands are repeated until they print what stands under them, line by line, `…`
standing for anything.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.e2e.installation import Installation
from tests.support.consoles import ROOT, Command, Terminal, commands, workspace
from tests.support.ports import free_ports
from tests.support.waiting import eventually

PAGE = (ROOT / "docs" / "mistakes.md").read_text()
YAML = {
    section.partition("\n")[0]: found[1]
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)
    if (found := re.search(r"```yaml\n(.*?)```", section, re.DOTALL))
}
WITHOUT_CRDS = "The CRDs are missing"
SECTIONS = list(dict.fromkeys(each.section for each in commands("docs/mistakes.md") if each.section != WITHOUT_CRDS))


@pytest.fixture(scope="module")
def desk(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Somebody with this cluster, a checkout, a key, and the routers forwarded to a port."""
    installation.apply_file(Path(__file__).parent / "mistakes.yaml")
    installation.rolled_out("mistakes", "demo")
    [port] = free_ports(1)
    folder = workspace(tmp_path_factory.mktemp("mistakes") / "pointsman")
    environment = installation.access.environment | {"KEY": installation.keys["paid"]}
    with Terminal(folder, {"8080": str(port)}, environment) as terminal:
        terminal.serve("kubectl port-forward -n pointsman-system service/pointsman-router 8080:80", port)
        yield terminal
        terminal.run("helm uninstall other -n other; kubectl delete namespace other --ignore-not-found", 180, None)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_mistake_reads_as_the_page_says(section: str, desk: Terminal) -> None:
    if section in YAML:
        _write(desk, YAML[section])
    try:
        for command in (each for each in commands("docs/mistakes.md") if each.section == section):
            _shows(desk, command)
    finally:
        if section in YAML:
            desk.run("kubectl delete -f mistake.yaml --ignore-not-found", status=None)


def test_without_crds(own_api_server: ControlPlane, tmp_path: Path) -> None:
    with Terminal(workspace(tmp_path / "pointsman"), None, own_api_server.access.environment) as terminal:
        for command in commands("docs/mistakes.md", "The CRDs are missing"):
            _shows(terminal, command)


def _write(desk: Terminal, text: str) -> None:
    desk.run(f"cat > mistake.yaml <<'END'\n{text}END")


def _shows(desk: Terminal, command: Command) -> None:
    said = ""

    def fits() -> bool:
        nonlocal said
        said = desk.run(command, status=None)
        return _fits(said, desk.replace(command.shown))

    try:
        eventually(fits, "what the page shows", 60)
    except AssertionError:
        raise AssertionError(f"$ {command.text}\nshould print:\n{command.shown}\nbut does:\n{said}") from None


def _fits(said: str, shown: str) -> bool:
    """Whether all lines are there, in order; spaces between columns do not count."""
    lines = iter(" ".join(line.split()) for line in said.splitlines())
    return all(any(_pattern(wanted).fullmatch(line) for line in lines) for wanted in shown.splitlines())


def _pattern(line: str) -> "re.Pattern[str]":
    return re.compile(".*".join(re.escape(part) for part in " ".join(line.split()).split("…")))
