"""Requests per second and CPU per request of the router beside LiteLLM's proxy, in one run.

    .venv/bin/python bench/proxy.py TOOLS [--seconds 8] [--rounds 3] [--litellm]

TOOLS holds fakeup.c (an upstream that is never the bottleneck), lg.c (a load generator), chat.json and
chat_stream.json. The proxy is pinned to core 0, upstream and load to core 1; rounds alternate, medians are printed.
Quote ratios of one run, never absolute rates. LiteLLM is installed once, into a folder of its own under ~/.cache.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from statistics import median

import yaml

ROOT = Path(__file__).parent.parent
LITELLM = "litellm[proxy]==1.106.2"  # 1.107.* were compromised releases
CACHE = Path.home() / ".cache" / "pointsman-bench"
UPSTREAM, ROUTER, GRPC, OTHER = 18081, 18082, 18083, 18084


def build(tools: Path, into: Path) -> None:
    for name in ("fakeup", "lg"):
        subprocess.run(["gcc", "-O2", "-o", into / name, tools / f"{name}.c", "-lpthread", "-lm"], check=True)


def policy(folder: Path) -> None:
    def backend(name: str) -> dict:
        return {
            "apiVersion": "pointsman.dev/v1alpha1",
            "kind": "ModelBackend",
            "metadata": {"name": name},
            "spec": {
                "model": name,
                "endpoints": {"external": {"host": "127.0.0.1", "port": UPSTREAM, "tls": False}},
                "limits": {"concurrency": 100_000},
            },
        }

    routing = {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": "RoutingPolicy",
        "metadata": {"name": "bench"},
        "spec": {
            "virtualModels": ["gpt-4o"],
            "default": {"backends": [{"name": "one"}, {"name": "two"}]},
            "quotas": [{"name": "day", "limit": "1000000000", "window": {"type": "Rolling", "length": "24h"}}],
        },
    }
    folder.mkdir()
    (folder / "all.yaml").write_text(yaml.safe_dump_all([backend("one"), backend("two"), routing]))


def litellm() -> Path:
    home = CACHE / "litellm-1.106.2"
    if not (home / "bin" / "litellm").exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([ROOT / ".venv/bin/uv", "pip", "install", "--python", home, LITELLM], check=True)
    return home / "bin" / "litellm"


def pinned(core: int, *command: object, **env: str) -> subprocess.Popen:
    return subprocess.Popen(
        ["taskset", "-c", str(core), *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **env},
        start_new_session=True,
    )


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children that live."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == pid:  # process group
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def wait_for(port: int, path: str, limit: float = 120) -> None:
    end = time.monotonic() + limit
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1):
                return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"nothing answers on port {port}")


def measure(process: subprocess.Popen, port: int, tools: Path, built: Path, body: str, seconds: int) -> dict:
    before = cpu_seconds(process.pid)
    command = ["taskset", "-c", "1", built / "lg", port, "/v1/chat/completions", tools / body, 32, seconds]
    printed = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout
    load = json.loads(printed)
    requests = load["n"]
    load["cpu_us"] = 1e6 * (cpu_seconds(process.pid) - before) / max(requests, 1)
    return load


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("tools", type=Path)
    arguments.add_argument("--seconds", type=int, default=8)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--litellm", action="store_true")
    options = arguments.parse_args()
    started: list[subprocess.Popen] = []
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        build(options.tools, work)
        policy(work / "policy")
        try:
            started.append(pinned(1, work / "fakeup", UPSTREAM))
            serve = [ROOT / ".venv/bin/pointsman", "serve", work / "policy", "--classifier", "none", "--allow-loopback"]
            router = pinned(0, *serve, "--http", f"127.0.0.1:{ROUTER}", "--grpc", f"127.0.0.1:{GRPC}")
            started.append(router)
            contenders = {"pointsman": (router, ROUTER)}
            wait_for(ROUTER, "/readyz")
            if options.litellm:
                config = work / "litellm.yaml"
                base = f"http://127.0.0.1:{UPSTREAM}/v1"
                params = {"model": "openai/gpt-4o", "api_base": base, "api_key": "none"}
                config.write_text(yaml.safe_dump({"model_list": [{"model_name": "gpt-4o", "litellm_params": params}]}))
                open_mode = {"LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}
                other = pinned(0, litellm(), "--config", config, "--port", OTHER, "--num_workers", 1, **open_mode)
                started.append(other)
                contenders["litellm"] = (other, OTHER)
                wait_for(OTHER, "/health/liveliness")
            for body in ("chat.json", "chat_stream.json"):
                results: dict[str, list[dict]] = {each: [] for each in contenders}
                for _ in range(options.rounds):
                    for each, (process, port) in contenders.items():
                        results[each].append(measure(process, port, options.tools, work, body, options.seconds))
                print(body)
                for each, rounds in results.items():
                    keys = [key for key, value in rounds[0].items() if isinstance(value, int | float)]
                    print(f"  {each:10}", {key: round(median(r[key] for r in rounds), 1) for key in keys})
        finally:
            for process in reversed(started):
                os.killpg(process.pid, signal.SIGTERM)


if __name__ == "__main__":
    main()
