"""One trace, read back from Phoenix in the cluster: client, router, Triton, model server; and the control plane's."""

import asyncio
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import capabilities, pins
from tests.cluster.fixtures import Cluster
from tests.e2e import images, triton
from tests.e2e.clients import TRACED
from tests.e2e.installation import Installation
from tests.e2e.log import note
from tests.e2e.test_e2e_routes import CHAT, URL
from tests.support import browser
from tests.support.waiting import eventually

IMAGE = images.ROOT / "docs" / "img" / "trace-cluster.png"
NAMESPACE = "observability"
COLLECTOR = f"collector.{NAMESPACE}.svc"
TELEMETRY = (
    "--set",
    f"telemetry.endpoint=http://{COLLECTOR}:4317,telemetry.tritonUrl=http://{COLLECTOR}:4318/v1/traces",
)
SERVER = ("ask", "POST /v1/chat/completions")
TRITON = (*SERVER, "classify", "InferRequest")
MODELS = [(*TRITON, "classifier"), *((*TRITON, "classifier", name) for name in ("tokenizer", "encoder"))]
ROUTED = {SERVER[:1], SERVER, (*SERVER, "classify"), TRITON, *MODELS, *((*model, "compute") for model in MODELS[1:])}
NUMBERS = itertools.count(1)
DECIDED = ROUTED | {(*SERVER, "decide")}


def candidate(name: str) -> set[tuple[str, ...]]:
    return {(*SERVER, f"chat {name}"), (*SERVER, f"chat {name}", "POST")}


@pytest.fixture(scope="module")
def traced(installation: Installation, cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """Every part of the line, Triton too, sends its spans to a collector and Phoenix, which run in pods."""
    if cluster.node is None:
        pytest.skip("your own cluster: it is not given the images of a collector and of Phoenix")
    if not pins.program(pins.COLLECTOR).file.exists() and (lacks := capabilities.missing_go()):
        pytest.skip(f"the collector's build needs {', '.join(lacks)}")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        triton.load(cluster)
        for archive in images.build_observability():
            note(f"image {archive.stem}: {archive.stat().st_size >> 20} MiB")
            cluster.load(archive)
    installation.apply_file(images.OBSERVABILITY / "manifests.yaml")
    for name in ("collector", "phoenix", "tracer"):
        installation.rolled_out(name, NAMESPACE)
    triton.start(installation, *TELEMETRY)
    yield installation
    triton.stop(installation)
    installation.access.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def spans(installation: Installation, query: str) -> list[dict[str, Any]]:
    """What Phoenix has, as its API tells of it."""
    [address] = installation.addresses("phoenix", NAMESPACE)
    return list(installation.asked(f"http://{address}:6006/v1/projects/default/spans?limit=1000&{query}")["data"])


def ask(installation: Installation) -> dict[str, Any]:
    """A request within a span of its client's, from a pod."""
    pod = (NAMESPACE, "deployment/tracer")
    text = f"{CHAT} ({next(NUMBERS)})"  # a router does not ask Triton of a text that it knows
    arguments = (URL, installation.keys["paid"], f"http://{COLLECTOR}:4317", text)
    told: dict[str, Any] = installation.client(TRACED, *arguments, pod=pod)
    assert told["answered"]
    return told


def tree(found: list[dict[str, Any]]) -> dict[tuple[str, ...], dict[str, Any]]:
    """Each span by the names from the trace's root to it."""
    by_id = {span["context"]["span_id"]: span for span in found}

    def path(span: dict[str, Any]) -> tuple[str, ...]:
        above = by_id.get(span["parent_id"])
        return (*path(above), span["name"]) if above else (span["name"],)

    return {path(span): span for span in found}


def whole(installation: Installation, trace: str, expected: set[tuple[str, ...]]) -> dict[tuple[str, ...], Any]:
    """A trace once Phoenix has all that is expected of it; spans come from four processes, each in its own time."""
    seen: set[tuple[str, ...]] = set()

    def complete() -> dict[tuple[str, ...], Any] | None:
        nonlocal seen
        found = tree(spans(installation, f"trace_id={trace}"))
        seen = set(found)
        return found if expected <= seen else None

    try:
        return eventually(complete, "the whole trace", 30)
    except AssertionError:
        raise AssertionError(f"missing: {expected - seen}; there are: {seen}") from None


def classified_by_triton(
    installation: Installation, expected: set[tuple[str, ...]]
) -> tuple[dict[str, Any], dict[tuple[str, ...], Any]]:
    """A request and its whole trace. On a starved machine a router may step in for Triton; then another one is made."""
    for left in reversed(range(5)):
        triton.asked(installation)
        asked = ask(installation)
        try:
            return asked, whole(installation, asked["trace"], expected)
        except AssertionError:
            if not left:
                raise
    raise AssertionError  # never reached


def traceparents(installation: Installation, trace: str) -> list[str]:
    """The spans that the fault server was told to be called by, within a trace that is sampled."""
    sent = [request["headers"].get("traceparent", "---") for pod in installation.requests("flaky") for request in pod]
    parts = [each.split("-") for each in sent]
    return [span for _, its, span, flags in parts if its == trace and int(flags, 16) & 1]


def test_one_trace_holds_client_router_triton_and_model_server(traced: Installation) -> None:
    asked, found = classified_by_triton(traced, DECIDED | candidate("flaky"))
    assert asked["backend"] == "demo/flaky"
    assert set(found) == DECIDED | candidate("flaky")
    attempt = found[*SERVER, "chat flaky", "POST"]["context"]["span_id"]
    assert traceparents(traced, asked["trace"]) == [attempt]
    assert found[*SERVER, "classify"]["attributes"]["pointsman.classifier.outcome"]
    assert found[*SERVER, "chat flaky"]["attributes"]["gen_ai.usage.output_tokens"] > 0
    assert CHAT not in str(found)


def test_a_fallback_is_in_the_same_trace(traced: Installation) -> None:
    traced.play("flaky", {"rules": [{"fault": {"type": "Overloaded"}}]})
    try:
        asked, found = classified_by_triton(traced, DECIDED | candidate("flaky") | candidate("small"))
    finally:
        traced.play("flaky", {"rules": []})
    assert asked["backend"] == "demo/small"
    failed = found[*SERVER, "chat flaky"]
    assert (failed["status_code"], failed["attributes"]["error.type"]) == ("ERROR", "Overloaded")
    attempt = found[*SERVER, "chat flaky", "POST"]["context"]["span_id"]
    assert attempt in traceparents(traced, asked["trace"])


def test_a_change_and_its_way_to_the_routers_are_traced(traced: Installation) -> None:
    patch = '{"spec": {"pricing": {"input": "0.06"}}}'
    traced.access.kubectl("patch", "modelbackend", "small", "-n", "demo", "--type=merge", "-p", patch)

    def pushed() -> list[dict[str, Any]]:
        found = tree(spans(traced, "name=reconcile&name=gather&name=build&name=publish"))
        complete = all(("reconcile", step) in found for step in ("gather", "build", "publish"))
        return spans(traced, "name=push") if complete else []

    push = eventually(pushed, "a reconcile and a push", 60)[0]
    traced.access.kubectl("patch", "modelbackend", "small", "-n", "demo", "--type=merge", "-p", patch.replace("6", "5"))
    assert push["attributes"]["pointsman.router"].startswith("pointsman-system/")


async def test_a_person_sees_the_trace_in_a_browser(traced: Installation, tmp_path: Path) -> None:
    if lacking := await asyncio.to_thread(browser.lacking):
        pytest.skip(lacking)
    asked, _ = classified_by_triton(traced, DECIDED | candidate("flaky"))
    with traced.port_forwarded(NAMESPACE, "phoenix", 6006) as url:
        shown, image = await looked_at(f"{url}/redirects/traces/{asked['trace']}", tmp_path / "profile")
    assert CHAT not in shown
    assert image.startswith(b"\x89PNG")
    if os.environ.get("POINTSMAN_SCREENSHOTS"):
        IMAGE.write_bytes(image)


async def looked_at(url: str, profile: Path) -> tuple[str, bytes]:
    """What a person reads on a page of Phoenix, and a picture of it."""
    async with browser.browsing(profile, 1500, 900) as page:
        await page.open(url)
        return await page.until("ask", "InferRequest", "tokenizer", "chat flaky"), await page.screenshot()
