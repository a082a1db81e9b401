"""One trace of the router's own process, sent to Phoenix, read back from its API, and looked at in a browser."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pointsman_faults.kinds import Status
from pointsman_faults.script import Rule
from pointsman_faults.server import FaultServer
from pointsman_faults.server import serve as serve_faults

from tests.data_plane.test_pipeline import CANARY
from tests.data_plane.test_router import process
from tests.support import browser
from tests.support.build import policy
from tests.support.collector import environment
from tests.support.phoenix import Phoenix, Unavailable, phoenix
from tests.support.router import served, write

pytestmark = pytest.mark.phoenix

IMAGE = Path(__file__).parents[2] / "docs" / "img" / "trace.png"
CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE, CLIENT_SPAN = CALLER[3:35], CALLER[36:52]
NAMES = ("POST /v1/chat/completions", "decide", "chat org/first", "chat org/second", "POST")


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phoenix]:
    try:
        with phoenix(tmp_path_factory.mktemp("phoenix")) as running:
            yield running
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture
async def spans(backend: Phoenix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Of one streamed request whose first model is overloaded, within a trace of its client."""
    variables = environment(backend.otlp, OTEL_METRICS_EXPORTER="none")  # it takes traces only
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = await _of_the_trace(backend)
    if len(found) == _EXPECTED:  # another test made it
        return found
    async with (
        serve_faults(FaultServer("first")) as first,
        serve_faults(FaultServer("second")) as second,
        aiohttp.ClientSession() as session,
    ):
        first.play(Rule(fault=Status(status=503, message=CANARY)))
        second.play(Rule(text=f"{CANARY} " * 10, inter_token=0.02))
        default = {"backends": [{"name": "first"}, {"name": "second", "priority": 1}]}
        write(tmp_path, [served(first, "first"), served(second, "second"), policy(default=default)])
        async with process(tmp_path) as (_, url, _):
            body = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": CANARY}]}
            async with session.post(
                f"{url}/v1/chat/completions", json=body, headers={"traceparent": CALLER}
            ) as response:
                assert CANARY in await response.text()
            assert [request.headers["traceparent"][3:35] for request in (*first.requests, *second.requests)] == [
                TRACE,
                TRACE,
            ]
            async with asyncio.timeout(60):
                while len(found := await _of_the_trace(backend)) < _EXPECTED:  # noqa: ASYNC110 - in another process
                    await asyncio.sleep(0.1)
    return found


_EXPECTED = 6
_OPEN_ATTRIBUTES = "[...document.querySelectorAll('[role=tab]')].find(tab => tab.innerText == 'Attributes')?.click()"


async def _of_the_trace(backend: Phoenix) -> list[dict[str, Any]]:
    return [span for span in await backend.spans() if span["context"]["trace_id"] == TRACE]


async def test_phoenix_has_the_whole_trace_and_no_text(spans: list[dict[str, Any]]) -> None:
    by_id = {span["context"]["span_id"]: span for span in spans}

    def parents(span: dict[str, Any]) -> list[str]:
        above = by_id.get(span["parent_id"])
        return [*parents(above), span["name"]] if above is not None else [span["name"]]

    root, decide, first, second, call = NAMES
    assert sorted(parents(span) for span in spans) == sorted(
        [[root], [root, decide], [root, first], [root, first, call], [root, second], [root, second, call]]
    )
    named = {span["name"]: span for span in spans}
    assert named[root]["parent_id"] == CLIENT_SPAN
    assert named[first]["status_code"] == "ERROR"
    assert named[first]["attributes"]["error.type"] == "Overloaded"
    answered = named[second]["attributes"]
    assert answered["gen_ai.operation.name"] == "chat"
    assert answered["gen_ai.request.model"] == "org/second"
    assert answered["gen_ai.usage.output_tokens"] > 0
    assert answered["gen_ai.response.time_to_first_chunk"] > 0
    assert named[decide]["attributes"]["pointsman.candidates"] == ["ai/first", "ai/second"]
    assert CANARY not in str(spans)


async def test_a_person_sees_the_trace_in_a_browser(
    backend: Phoenix, spans: list[dict[str, Any]], tmp_path: Path
) -> None:
    if lacking := await asyncio.to_thread(browser.lacking):
        pytest.skip(lacking)
    async with browser.browsing(tmp_path / "profile", 1500, 900) as page:
        await page.open(f"{backend.url}/redirects/traces/{TRACE}")
        text = await page.until(*NAMES)
        assert not [name for name in NAMES if name not in text]
        assert CANARY not in text
        second = next(span for span in spans if span["name"] == "chat org/second")
        await page.open(f"{backend.url}/redirects/spans/{second['context']['span_id']}")
        await page.until("Attributes", *NAMES)
        await page.run(_OPEN_ATTRIBUTES)
        shown = await page.until("gen_ai.usage.output_tokens", *NAMES)
        assert "gen_ai.usage.output_tokens" in shown
        image = await page.screenshot()
    assert image.startswith(b"\x89PNG")
    if os.environ.get("POINTSMAN_SCREENSHOTS"):
        IMAGE.parent.mkdir(parents=True, exist_ok=True)
        IMAGE.write_bytes(image)
