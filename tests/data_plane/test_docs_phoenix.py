"""A look at traces on one's own machine, as docs/observability.md shows it."""

from pathlib import Path

import pytest

from tests.support.build import backend, policy
from tests.support.consoles import Terminal, commands, workspace
from tests.support.phoenix import Unavailable, installed
from tests.support.ports import free_ports
from tests.support.router import write

pytestmark = pytest.mark.phoenix


def test_a_router_sends_its_traces_to_phoenix(tmp_path: Path) -> None:
    try:
        home = installed()
    except Unavailable as error:
        pytest.skip(str(error))
    folder = workspace(tmp_path / "pointsman")
    (folder / "DIR").mkdir()
    write(folder / "DIR", [backend("small"), policy(default={"backends": [{"name": "small"}]})])
    http, grpc, page, otlp = free_ports(4)
    environment = {
        "PHOENIX_WORKING_DIR": str(tmp_path),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(page),
        "PHOENIX_GRPC_PORT": str(otlp),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
        "PHOENIX_DISABLE_AGENT_ASSISTANT": "true",
    }
    serve = f"pointsman serve --classifier none --http 127.0.0.1:{http} --grpc 127.0.0.1:{grpc}"
    replaced = {"4317": str(otlp), "pointsman serve": serve, "phoenix serve": f"{home}/bin/phoenix serve"}
    backend_of_traces, router = commands("docs/observability.md", "Switching it on")
    with Terminal(folder, replaced, environment) as terminal:
        terminal.serve(backend_of_traces, otlp, 300)
        terminal.serve(router, http)
        body = '{"model": "auto", "messages": [{"role": "user", "content": "Hi"}]}'
        terminal.run(f"curl -s http://127.0.0.1:{http}/v1/chat/completions -d '{body}'")
        terminal.until(f"curl -s http://127.0.0.1:{page}/v1/projects/default/spans | grep v1/chat", 200)
