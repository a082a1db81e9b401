"""Small things that every part of the harness needs: a lock that dies with its process, and a line for a person."""

import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def say(line: str) -> None:
    """Progress goes to stderr: stdout is for what a shell evaluates."""
    print(f"cluster: {line}", file=sys.stderr, flush=True)


def try_lock(file: Path, kind: int = fcntl.LOCK_EX) -> int | None:
    """Takes the lock and returns its descriptor, or None when another process has it.

    The kernel gives it back when the process ends, however it ends. Children do not inherit it. Processes that take
    it with `LOCK_SH` share it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def locked(file: Path, waiting: Callable[[], None] = lambda: None, kind: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Holds the lock; calls `waiting` once if another process has it now."""
    descriptor = try_lock(file, kind)
    if descriptor is None:
        waiting()
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, kind)
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def locked_if_free(file: Path) -> Iterator[bool]:
    """Holds the lock unless another process has it; gives whether it is held."""
    descriptor = try_lock(file)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)
