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
