"""The first of this folder: what the documents tell a new user to type, as they are written, on an empty cluster.

Only names of registries and ports are replaced; a page's commands come from the page. See tests/support/consoles.py.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.fixtures import Cluster
from tests.support.consoles import Command, Terminal, commands, headers, workspace
from tests.support.ports import free_ports


@pytest.fixture
def typed(with_images: Cluster, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Runs commands as somebody does who has this cluster and a fresh checkout."""
    releases = with_images.access.run("helm", "list", "-A", "-q").stdout
    assert not releases, "an installation is there already: these tests come first, and clear what they did"
    [port] = free_ports(1)
    replaced = {
        "registry.example.com/team": "localhost",
        "8080": str(port),
    }
    with Terminal(workspace(tmp_path / "pointsman"), replaced, with_images.access.environment) as terminal:

        def run(command: Command) -> str:
            said = terminal.run(command, 400)
            if command.bare.endswith("&"):  # the next command comes when a person has read what this one says
                terminal.listening(port)
            return said

        yield run
        terminal.run("helm uninstall pointsman -n pointsman-system --wait", 180, status=None)
        terminal.run("kubectl delete crd modelbackends.pointsman.dev routingpolicies.pointsman.dev", status=None)
        terminal.run("kubectl delete namespace pointsman-system --ignore-not-found", 180)


def test_the_quick_start_of_the_readme(typed: Callable[[Command], str]) -> None:
    for command in commands("README.md", "In a cluster"):
        if "kind " in command.text or "make " in command.text:
            continue  # images and cluster are there: test_docs_machine.py and fixtures
        said = typed(command)
        if command.shown:
            assert headers(said) == headers(command.shown)


def test_the_installation_guide(typed: Callable[[Command], str]) -> None:
    for command in commands("docs/install.md", "Install the chart", "First request"):
        said = typed(command)
    assert '"choices"' in said
    for command in commands("examples/02-cluster/README.md"):
        typed(command)
    for command in commands("docs/operations.md"):
        typed(command)
    for command in commands("docs/install.md", "Upgrade", "Uninstall"):
        typed(command)
