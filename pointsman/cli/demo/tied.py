"""Runs a command that ends when its parent does, even by `kill -9`: tied.py PARENT COMMAND [ARGUMENT...].

A file of its own, run by path: it becomes the command by exec, and the kernel remembers the tie (Linux only; elsewhere
the command simply runs). `subprocess`'s preexec_fn could do the same, but not safely beside threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Tie this process to its parent, then become the command."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it was gone before the tie was made
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - to run a given command is its purpose


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
