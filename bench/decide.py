"""p50 and p99 of `decide` with 50 backends and 30 routes, quotas, modes, a session and measured latencies.

.venv/bin/python bench/decide.py [ROUNDS]
"""

import sys
import time
from pathlib import Path
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).parent.parent))

from pointsman.core.decide import decide
from pointsman.core.observe import observe
from pointsman.core.state import BackendState, SessionState, State
from tests.support.build import backend, policy, refs, request, route, signals, snapshot

BACKENDS, ROUTES = 50, 30


def scene():
    backends = [
        backend(
            f"b{n}",
            labels={"residency": "eu" if n % 2 else "us"},
            pricing={"input": f"0.{n + 10}", "output": f"{n}"},
            quality=[{"category": "code", "percent": 50 + n % 40}, {"category": "*", "percent": 40 + n % 50}],
            limits={"concurrency": 64, "requestsPerMinute": 3000},
            capabilities={"contextTokens": 8192 * (1 + n % 4), "reasoning": {"type": "Toggle"}},
        )
        for n in range(BACKENDS)
    ]
    routes = [
        route(
            f"r{n}",
            *(f"b{(n + k) % BACKENDS}" for k in range(8)),
            match={"keywords": [f"word{n}", f"other{n}"]} if n % 3 == 0 else {},
        )
        for n in range(ROUTES)
    ]
    return snapshot(
        *backends,
        policy(
            routes=routes,
            default={"backends": refs(*(f"b{n}" for n in range(BACKENDS)))},
            modes=[{"name": "thinking", "phrases": ["think hard"], "reasoning": {"effort": "High"}}],
            quotas=[
                {
                    "name": "day",
                    "resource": "Tokens",
                    "limit": "1000000",
                    "window": {"type": "Rolling", "length": "24h"},
                }
            ],
        ),
    )


def timed(work, rounds: int) -> str:
    samples = []
    for n in range(rounds):
        began = time.perf_counter_ns()
        work(n)
        samples.append((time.perf_counter_ns() - began) / 1000)
    cuts = quantiles(samples, n=100)
    return f"p50 {cuts[49]:7.1f} us   p99 {cuts[98]:7.1f} us"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    shot = scene()
    text = "Why does this loop never end? " * 20
    asks = [request(text, id=f"r{n}", session=f"s{n}", prompt_tokens=400) for n in range(64)]
    scores = {f"r{n}": 0.01 * n for n in range(ROUTES)}
    known = signals(scores, category={"code": 0.7, "writing": 0.3}, difficulty=0.4, reasoning=0.3)
    states = {
        f"ai/b{n}": BackendState(endpoints=3, available=3, first_token=0.1 + n / 100, in_flight=n)
        for n in range(BACKENDS)
    }
    session = SessionState("r28", None, "ai/b30", 300)
    state = State(now=1e6, backends=states, session=session)
    plan = decide(shot, asks[0], known, state)
    print(f"{BACKENDS} backends, {ROUTES} routes; {len(plan.candidates)} candidates, {len(plan.rejected)} rejected")
    the_policy = shot.policies["ai/assistant"]
    print("observe", timed(lambda n: observe(asks[n % 64], the_policy, ("en", 0.9)), rounds))
    print("decide ", timed(lambda n: decide(shot, asks[n % 64], known, state), rounds))


if __name__ == "__main__":
    main()
