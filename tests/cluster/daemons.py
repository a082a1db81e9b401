"""Processes that outlive the one that started them, known by pid files.

Each gets the folder of its cluster in its environment, so that a pid which the kernel has meanwhile given to somebody
else's process is never killed.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

MARK = "POINTSMAN_CLUSTER_FOLDER"
ENDING = 90.0
"""Seconds that killed processes get to be gone: on a busy machine, freeing a gigabyte takes its time."""

# The shell writes its own pid, joins the control group, and becomes the program: no moment without a pid file. It gives
# up when the folder is gone, as it is when a killed run was cleared meanwhile.
_LAUNCH = (
    'set -e; echo $$ > "$1.pid.new"; mv "$1.pid.new" "$1.pid"; '
    'if [ -n "$2" ]; then echo $$ > "$2/cgroup.procs"; fi; shift 2; exec "$@"'
)


class DaemonError(RuntimeError):
    """A program ended, or was not ready in time; the message ends with the last lines of its log."""


def start(
    folder: Path, name: str, command: Sequence[str], *, netns: str | None = None, cgroup: Path | None = None
) -> None:
    """Starts a program in the background; its log is FOLDER/NAME.log, its pid FOLDER/NAME.pid."""
    # nsenter, not `ip netns exec`: that remounts /sys, and kubelet and runc then find no control groups.
    enter = ["nsenter", f"--net=/var/run/netns/{netns}"] if netns else []
    launch = ["setsid", "--fork", "sh", "-c", _LAUNCH, "sh", str(folder / name), str(cgroup or "")]
    pid_file = folder / f"{name}.pid"
    pid_file.unlink(missing_ok=True)  # of an earlier life
    with (folder / f"{name}.log").open("ab") as log:
        environment = os.environ | {MARK: str(folder)}
        subprocess.run(
            [*launch, *enter, *command],
            cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True,
        )  # fmt: skip
    until(pid_file.exists, f"{name} did not start")


def wait(folder: Path, name: str, ready: Callable[[], bool], seconds: float = 60) -> None:
    """Waits until a program is ready; says why not if it ends before, or is late."""
    pid_file = folder / f"{name}.pid"
    end = time.monotonic() + seconds
    while not ready():
        if pid_file.exists() and not alive(pid_file):
            raise DaemonError(f"{name} ended:\n{tail(folder, name)}")
        if time.monotonic() > end:
            raise DaemonError(f"{name} was not ready within {seconds:.0f} s:\n{tail(folder, name)}")
        time.sleep(0.05)


def stop(folder: Path, name: str) -> None:
    """Ends one program at once."""
    _end([folder / f"{name}.pid"])


def tail(folder: Path, name: str, lines: int = 15) -> str:
    log = folder / f"{name}.log"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"


def alive(pid_file: Path) -> bool:
    return _ours(pid_file) is not None


def running(pid: int) -> bool:
    """A process that has ended, and only waits to be collected by its parent, does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill_all(folder: Path) -> None:
    """Ends every program of a cluster and waits until they are gone. kubelet first: it restarts things."""
    _end(sorted(folder.glob("*.pid"), key=lambda file: file.stem != "kubelet"))


def _end(files: Sequence[Path]) -> None:
    """Kill, and kill again what is still there: one look may take a process that is becoming another program, or whose
    environment cannot be read on a busy machine, for somebody else's."""

    def gone() -> bool:
        left = [pid for file in files if (pid := _ours(file)) is not None]
        for pid in left:
            kill(pid)
        return not left

    until(gone, lambda: f"{', '.join(_state(file) for file in files if alive(file))} did not end", ENDING)


def _state(pid_file: Path) -> str:
    """For the message: D is a process that waits for a disk, which no signal ends."""
    try:
        pid = int(pid_file.read_text())
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError, IndexError):
        return pid_file.stem
    return f"{pid_file.stem} (pid {pid}, state {state})"


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):  # it ended by itself
        os.kill(pid, signal.SIGKILL)


def until(condition: Callable[[], bool], otherwise: str | Callable[[], str], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            said = otherwise if isinstance(otherwise, str) else otherwise()
            raise DaemonError(f"{said} within {seconds:.0f} s")
        time.sleep(0.02)


def _ours(pid_file: Path) -> int | None:
    """The pid if the process runs and was started for this folder."""
    try:
        pid = int(pid_file.read_text())
    except (OSError, ValueError):
        return None
    return pid if running(pid) and f"{MARK}={pid_file.parent}".encode() in _environment(pid) else None


def _environment(pid: int) -> list[bytes]:
    """Empty for an instant while a process becomes another program, so an empty one is read again."""
    for _ in range(100):
        try:
            content = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            break
        if content or not running(pid):
            return content.split(b"\0")
        time.sleep(0.005)
    return []
