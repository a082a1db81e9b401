"""A collector that is slow or gone costs requests nothing, and a router's end no more than moments."""

import asyncio
import io
import json
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pointsman_faults.server import FaultServer
from pointsman_faults.server import serve as serve_faults

from pointsman.core.errors import ConfigError
from pointsman.runtime import log, telemetry
from tests.data_plane.test_pipeline import two
from tests.data_plane.test_router import free_port, process
from tests.data_plane.test_tracing import routed
from tests.support.calls import eventually
from tests.support.collector import environment
from tests.support.router import FixedClassifier, running, write

REQUESTS = 200
BODY = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}


@asynccontextmanager
async def deaf() -> AsyncIterator[str]:
    """A collector that takes connections and never answers."""

    async def listen(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def gone() -> AsyncIterator[str]:
    """A port where nobody listens."""
    yield f"http://127.0.0.1:{free_port()}"


@pytest.mark.parametrize("collector", [deaf, gone])
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
async def test_requests_are_answered_without_a_collector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, collector: Any, protocol: str
) -> None:
    async with (
        collector() as address,
        serve_faults(FaultServer("first")) as first,
        serve_faults(FaultServer("second")) as second,
        aiohttp.ClientSession() as session,
    ):
        small = {"OTEL_BSP_MAX_QUEUE_SIZE": "64", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "32"}
        for name, value in environment(address, **small, OTEL_EXPORTER_OTLP_TIMEOUT="1").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        write(tmp_path, two({"first": first, "second": second}))
        async with process(tmp_path) as (router, url, lines):

            async def answered() -> bool:
                async with session.post(f"{url}/v1/chat/completions", json=BODY) as response:
                    return response.status == 200

            assert all([await answered() for _ in range(REQUESTS)])

            async def degraded() -> bool:
                async with session.get(f"{url}/readyz") as response:
                    health = await response.json()
                assert health["ready"]
                return bool(health["dependencies"]["telemetry"]["state"] == "Degraded")

            async with asyncio.timeout(30):
                while not await degraded():  # a batch takes its second to fail
                    assert await answered()
            async with session.get(f"{url}/metrics") as response:
                lost = next(
                    line for line in (await response.text()).splitlines() if "pointsman_spans_lost" in line[:20]
                )
            assert float(lost.split()[-1]) > 0
            router.send_signal(signal.SIGTERM)
            async with asyncio.timeout(20):  # far below what exporters would wait for
                assert await router.wait() == 0
        assert not [line for line in lines if "Traceback" in line]


async def test_a_line_of_the_log_names_its_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a request that failed for a reason nobody foresaw."""

    def fail(_: str) -> Any:
        raise ZeroDivisionError

    async with gone() as address:
        for name, value in environment(address, OTEL_METRICS_EXPORTER="none").items():
            monkeypatch.setenv(name, value)
        written = io.StringIO()
        monkeypatch.setattr("sys.stderr", written)
        before = logging.getLogger().handlers[:]
        measured = telemetry.from_environment("pointsman-router")
        try:
            log.configure("json", ids=telemetry.current_ids)
            async with running(
                tmp_path, routed, "first", "second", telemetry=measured, classifier=FixedClassifier(fail)
            ) as router:
                sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
                assert (await router.chat("code", headers={"traceparent": sent})).status == 200
        finally:
            logging.getLogger().handlers[:] = before
            measured.close()
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    line = next(line for line in lines if "classifier failed" in line["message"])
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert len(line["span_id"]) == 16


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER"),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/xml"}, "http/xml"),
    ],
)
def test_what_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=said):
        telemetry.from_environment("pointsman-router")


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317"},
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317",
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
        },
    ],
)
def test_it_is_off_unless_it_is_asked_for(variables: dict[str, str]) -> None:
    assert telemetry.from_environment("pointsman-router", variables) is telemetry.OFF


async def test_the_client_trace_context_goes_on_when_tracing_is_off(tmp_path: Path) -> None:
    sent = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    async with running(tmp_path, two, "first", "second") as router:
        await router.chat(headers=sent)
        await eventually(lambda: bool(router.faults["first"].requests))
        assert router.faults["first"].requests[-1].headers["traceparent"] == sent["traceparent"]
