"""What people and their tools see: `kubectl get`, `wait`, `explain`, and Helm, which waits by the same conditions."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import programs
from tests.cluster.access import Access, KubectlError
from tests.control_plane.line import Line, model, policy
from tests.support.waiting import eventually

SERVICE, SLICE, BACKEND = model("small", "10.0.0.1", 8000)
POLICY = policy("chat", "small", "ghost", models=("auto", "auto-2"))
WAIT = ("wait", "--for=condition=Ready", "-n", "ai", "rpol/chat", "mbe/small")


@pytest.fixture
def line(with_namespace: Access, tmp_path: Path) -> Iterator[Line]:
    """An operator without routers."""
    line = Line(with_namespace, tmp_path)
    line.apply(SERVICE, SLICE)
    line.start_operator().wait_ready()
    try:
        yield line
    finally:
        line.stop()
        line.clear()


def table(access: Access, *options: str) -> str:
    """Without blanks at the ends of lines, and without ages."""
    lines = access.kubectl("get", "rpol,mbe", "-n", "ai", *options).splitlines()
    return "\n".join(re.sub(r" \d+[smh](\d+[smh])?\b", " AGE", line).rstrip() for line in lines if line.strip())


def matches(pattern: str, text: str) -> bool:
    return re.fullmatch(re.sub(r" +", " +", pattern.strip()), text) is not None


def test_a_glance_tells_what_is_wrong(line: Line, with_namespace: Access) -> None:
    line.apply(BACKEND, POLICY)
    first = r"""
NAME MODELS ROUTES BACKENDS LIVE READY REASON AGE
routingpolicy.pointsman.dev/chat \["auto","auto-2"\] 0 1 1 False RefNotFound AGE
NAME MODEL ENDPOINTS READY REASON AGE
modelbackend.pointsman.dev/small small 1 Unknown NoRouters AGE
"""
    eventually(lambda: matches(first, table(with_namespace)), first)
    wide = table(with_namespace, "-o", "wide")
    assert "spec.default.backends[1].name: there is no ModelBackend ai/ghost" in wide
    assert "No ready router follows the control plane yet" in wide
    line.apply(policy("chat", "small"))
    line.start_router()
    then = r"""
NAME MODELS ROUTES BACKENDS LIVE READY REASON AGE
routingpolicy.pointsman.dev/chat \["chat"\] 0 1 1 True Ready AGE
NAME MODEL ENDPOINTS READY REASON AGE
modelbackend.pointsman.dev/small small 1 True Ready AGE
"""
    eventually(lambda: matches(then, table(with_namespace)), then)


def test_wait_ends_when_a_router_has_it_and_not_before(line: Line, with_namespace: Access) -> None:
    line.apply(BACKEND, policy("chat", "small"))
    eventually(lambda: "NoRouters" in table(with_namespace), "the verdict")
    with pytest.raises(KubectlError, match="timed out waiting for the condition on routingpolicies/chat"):
        with_namespace.kubectl(*WAIT, "--timeout=1s")
    line.start_router()
    assert with_namespace.kubectl(*WAIT, "--timeout=60s").count("condition met") == 2


def test_helm_waits_for_it_too(line: Line, with_namespace: Access, tmp_path: Path) -> None:
    if with_namespace.programs is not None:
        programs.build(["helm"])
    elif shutil.which("helm") is None:
        pytest.skip("needs helm on the PATH")
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: models\nversion: 1.0.0\n")
    for body in (BACKEND, policy("chat", "small")):
        (chart / "templates" / f"{body['kind']}.yaml").write_text(json.dumps(body))

    def install(seconds: int) -> tuple[int, str]:
        command = [
            "helm",
            "upgrade",
            "--install",
            "models",
            str(chart),
            "-n",
            "ai",
            "--wait",
            "--timeout",
            f"{seconds}s",
        ]
        result = with_namespace.run(*command, check=False)
        return result.returncode, result.stdout + result.stderr

    try:
        code, said = install(5)
        assert code != 0
        assert "not ready" in said.lower()
        line.start_router()
        code, said = install(60)
        assert code == 0, said
        assert "STATUS: deployed" in said
    finally:
        with_namespace.run("helm", "uninstall", "models", "-n", "ai", check=False)


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("rpol.spec.default", "Takes what no route does, and is the last fallback of every route."),
        ("rpol.spec.quotas.limit", "Requests, tokens, or an amount of money. For example: 20000."),
        ("mbe.spec.replaces.notBefore", "From when on, as RFC 3339; at once by default."),
        ("mbe.status.readyEndpoints", "Endpoints that requests can be sent to."),
    ],
)
def test_explain_says_in_a_sentence(field: str, says: str, with_crds: Access) -> None:
    text = with_crds.kubectl("explain", field)
    description = text.partition("DESCRIPTION:")[2].partition("FIELDS:")[0]
    assert " ".join(description.split()) == says
