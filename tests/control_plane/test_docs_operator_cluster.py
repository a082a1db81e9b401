"""The operator by hand, as docs/cli.md shows it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pointsman_operator.certificates.x509 import new_authority, new_leaf

from tests.cluster.access import Access
from tests.support.consoles import Terminal, commands, workspace
from tests.support.ports import free_ports


def test_an_operator_from_the_command_line(with_namespace: Access, tmp_path: Path) -> None:
    authority = new_authority(datetime.now(UTC), timedelta(days=1))
    leaf = new_leaf(authority, ["localhost"], datetime.now(UTC), timedelta(days=1))
    tls = tmp_path / "tls"
    tls.mkdir()
    for name, text in (("ca.crt", authority.certificate), ("tls.crt", leaf.certificate), ("tls.key", leaf.key)):
        (tls / name).write_text(text)
    probes, stream = free_ports(2)
    ports = f"--probes 127.0.0.1:{probes} --stream 127.0.0.1:{stream}"
    replaced = {"/etc/pointsman/tls": str(tls), "pointsman operator": f"pointsman operator {ports}"}
    apply, operator = commands("docs/cli.md", "operator")
    with Terminal(workspace(tmp_path / "pointsman"), replaced, with_namespace.environment) as terminal:
        terminal.run(apply)
        terminal.serve(operator, stream)
        terminal.until(f"curl -sf http://127.0.0.1:{probes}/readyz")
