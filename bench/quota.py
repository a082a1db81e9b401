"""What quota costs: admit + settle per second, and memory per subject.

    python bench/quota.py [SUBJECTS]

Each request is charged as a real one is: requests, tokens and money of its user, tokens and concurrency of its backend.
"""

import asyncio
import gc
import platform
import resource
import sys
import time
import tracemalloc

from pointsman.core.quota import Charge, Scope, Unit, Usage
from pointsman.core.resources.policy import Period, WindowType
from pointsman.core.snapshot import Window
from router_svc.quota import Grant, MemoryLedger

MINUTE = Window(type=WindowType.ROLLING, length=60.0)
FIVE_HOURS = Window(type=WindowType.ROLLING, length=18_000.0)
MONTH = Window(type=WindowType.CALENDAR, period=Period.MONTH, time_zone="Europe/Berlin")


def charges(user: str) -> tuple[Charge, ...]:
    return (
        Charge(f"ai/assistant/rpm/{user}", Scope.SUBJECT, "rpm", Unit.REQUESTS, 1, 10**9, MINUTE),
        Charge(f"ai/assistant/free-5h/{user}", Scope.SUBJECT, "free-5h", Unit.TOKENS, 1_500, 10**12, FIVE_HOURS),
        Charge(f"ai/assistant/month/{user}", Scope.SUBJECT, "month", Unit.COST, 10**9, 10**18, MONTH),
        Charge("ai/qwen3-32b/tokensPerMinute", Scope.BACKEND, "tokensPerMinute", Unit.TOKENS, 1_500, 10**12, MINUTE),
        Charge("ai/qwen3-32b/concurrency", Scope.BACKEND, "concurrency", Unit.CONCURRENCY, 1, 10**6, None),
    )


async def rate(users: int, requests: int = 50_000) -> float:
    """Requests admitted and settled per second, by users in turn."""
    ledger = MemoryLedger(time.time)
    all_charges = [charges(f"user-{number}") for number in range(users)]
    usage = Usage(prompt_tokens=500, completion_tokens=300)
    begin = time.perf_counter()
    for number in range(requests):
        grant = await ledger.admit(all_charges[number % users])
        assert isinstance(grant, Grant)
        await ledger.settle(grant, usage, 10**9)
    return requests / (time.perf_counter() - begin)


async def memory(subjects: int, requests: int, seconds: float) -> float:
    """Bytes per subject with one rolling quota of 5 h, after some requests spread over some time."""
    now = 1.76e9
    ledger = MemoryLedger(lambda: now)
    keys = [f"ai/assistant/free-5h/user-{number}" for number in range(subjects)]
    gc.collect()
    tracemalloc.start()
    for step in range(requests):
        now = 1.76e9 + step * seconds / requests
        for key in keys:
            charge = Charge(key, Scope.SUBJECT, "free-5h", Unit.TOKENS, 1_500, 10**12, FIVE_HOURS)
            grant = await ledger.admit((charge,))
            assert isinstance(grant, Grant)
            await ledger.settle(grant, Usage(prompt_tokens=800), 0)
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(ledger) == subjects
    return used / subjects


def main(subjects: int) -> None:
    print(f"Python {platform.python_version()}, {platform.machine()}, one core")
    for users in (1, subjects):
        print(f"{asyncio.run(rate(users)):>10,.0f} admit + settle per second, 5 charges each, {users:,} users")
    for requests, seconds in ((1, 1.0), (10, 18_000.0), (100, 18_000.0)):
        few = subjects if requests == 1 else subjects // 100
        size = asyncio.run(memory(few, requests, seconds))
        print(f"{size:>10,.0f} bytes per subject and quota after {requests} requests each in {seconds:,.0f} s")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:>10,.0f} MiB peak RSS of this process")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
