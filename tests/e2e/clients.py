"""Programs that run in a pod of the cluster. Each prints one line of JSON."""

ASK = """
import json, sys, openai

url, key, asked = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
client = openai.OpenAI(base_url=url, api_key=key, max_retries=0, timeout=60)
told = []
for each in asked:
    headers = each.pop("headers", {})
    text = each.pop("text")
    messages = [{"role": "user", "content": text}]
    raw = client.chat.completions.with_raw_response.create(
        model=each.pop("model", "auto"), messages=messages, max_tokens=8, extra_headers=headers, **each
    )
    names = ("route", "backend", "reason", "attempts", "downgraded")
    said = {name: raw.headers.get(f"x-pointsman-{name}") for name in names}
    if each.get("stream"):
        chunks = list(raw.parse())
        words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        told.append(said | {"chunks": len(chunks), "answered": bool(words)})
    else:
        told.append(said | {"answered": bool(raw.parse().choices[0].message.content)})
print(json.dumps(told))
"""
"""URL, KEY, a JSON list of {text, headers?, stream?, model?}: what became of each."""

LOAD = """
import asyncio, collections, json, sys, time, uuid
import aiohttp

url, key, rate, seconds, streams = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])
outcomes, failures = collections.Counter(), []

async def ask(session, body):
    headers = {"Authorization": f"Bearer {key}", "x-pointsman-session": uuid.uuid4().hex}
    try:
        async with session.post(url + "/chat/completions", json=body, headers=headers) as answer:
            text = await answer.text()
            whole = answer.status == 200 and (not body.get("stream") or "[DONE]" in text)
            outcomes["ok" if whole else "failed"] += 1
            if not whole:
                failures.append(f"{answer.status} {text[-300:]}")
    except Exception as error:
        outcomes["failed"] += 1
        failures.append(f"{type(error).__name__}: {error}")

async def main():
    body = {"model": sys.argv[6], "messages": [{"role": "user", "content": "hello"}], "max_tokens": 8}
    long = body | {"stream": True, "model": sys.argv[7]}
    timeout = aiohttp.ClientTimeout(total=180)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        tasks = [asyncio.create_task(ask(session, long)) for _ in range(streams)]
        begin = time.monotonic()
        for n in range(int(rate * seconds)):
            await asyncio.sleep(max(0, begin + n / rate - time.monotonic()))
            tasks.append(asyncio.create_task(ask(session, body)))
        await asyncio.gather(*tasks)
    print(json.dumps({**outcomes, "failures": failures[:5], "seconds": round(time.monotonic() - begin, 1)}))

asyncio.run(main())
"""
"""URL, KEY, RATE a second, SECONDS, number of STREAMS, MODEL of the requests, MODEL of the streams: how many failed."""

CLASSIFIED = """
import asyncio, collections, itertools, json, os, sys, time
import aiohttp

url, key, rate, cases, stop = sys.argv[1], sys.argv[2], float(sys.argv[3]), json.loads(sys.argv[4]), sys.argv[5]
outcomes, failures = collections.Counter(), []

async def ask(session, text, route):
    body = {"model": "auto-classified", "messages": [{"role": "user", "content": text}], "max_tokens": 8}
    try:
        async with session.post(url + "/chat/completions", json=body) as answer:
            await answer.read()
            said = answer.headers.get("x-pointsman-route")
            outcome = "failed" if answer.status != 200 else "ok" if said == route else "astray"
            if outcome != "ok":
                failures.append(f"{answer.status}, {said} for {route}: {answer.headers.get('x-pointsman-reason')}")
    except Exception as error:
        outcome = "failed"
        failures.append(f"{type(error).__name__}: {error}")
    outcomes[outcome] += 1

async def main():
    timeout, headers = aiohttp.ClientTimeout(total=120), {"Authorization": f"Bearer {key}"}
    connector = aiohttp.TCPConnector(limit=0, force_close=True)  # so that every router is asked
    async with aiohttp.ClientSession(timeout=timeout, headers=headers, connector=connector) as session:
        tasks, begin, asked = [], time.monotonic(), itertools.cycle(cases)
        while not os.path.exists(stop):
            text, route = next(asked)  # with a number, for a router does not ask Triton of a text that it knows
            tasks.append(asyncio.create_task(ask(session, f"{text} ({len(tasks)})", route)))
            await asyncio.sleep(max(0, begin + len(tasks) / rate - time.monotonic()))
        await asyncio.gather(*tasks)
    print(json.dumps({**outcomes, "failures": failures[:5], "seconds": round(time.monotonic() - begin, 1)}))

asyncio.run(main())
"""
"""URL, KEY, RATE a second, [[TEXT, ROUTE], ...], STOP: asks until the file STOP is there; how many went astray."""

CONNECT = """
import json, socket, sys

def reached(address):
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=3).close()
        return True
    except OSError:
        return False

print(json.dumps([reached(address) for address in sys.argv[1:]]))
"""
"""HOST:PORT...: which of them take a connection."""

TRACED = """
import json, sys, urllib.request
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

url, key, collector, text = sys.argv[1:5]
provider = TracerProvider(resource=Resource.create({"service.name": "a-client"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=collector, insecure=True)))
with provider.get_tracer("client").start_as_current_span("ask", kind=SpanKind.CLIENT) as span:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    inject(headers)
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": text}], "max_tokens": 8})
    request = urllib.request.Request(url + "/chat/completions", body.encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        backend, answered = answer.headers["x-pointsman-backend"], bool(json.loads(answer.read())["choices"])
provider.shutdown()
print(json.dumps({"trace": f"{span.context.trace_id:032x}", "backend": backend, "answered": answered}))
"""
"""URL, KEY, COLLECTOR, TEXT: asks within a span of its own, and says which trace it is."""
