"""The last good state on disk, so that a router starts while nobody answers. What is damaged is said, never used.

Policies and endpoints rest in one file. Credentials rest in another, of mode 0600, which belongs on memory-backed
storage: they are gone with the node, not with the process.
"""

import os
import threading
from pathlib import Path
from typing import Any

import msgspec

from pointsman.core.canonical import digest
from pointsman.core.endpoints import Endpoint
from pointsman.core.errors import SnapshotError
from pointsman.core.snapshot import SecretKey
from pointsman.core.wire import dumps, loads
from router_svc.source.stream.held import Held, Reached

_MAGIC = b"pointsman state 1\n"
_HEADER = len(_MAGIC) + 64 + 1


class _State(msgspec.Struct, frozen=True):
    epoch: int
    sequence: int
    snapshot: bytes
    endpoints: dict[str, tuple[tuple[Endpoint, ...], str]]
    closed: bool
    """Whether requests need a key: the keys may be lost with their storage, and then nobody is let in."""
    api_server: tuple[str, ...] = ()


class _Secrets(msgspec.Struct, frozen=True):
    revision: str
    credentials: list[tuple[str, str, str, str]]
    keys: str | None


class Shelf:
    """Two files."""

    def __init__(self, folder: Path, private: Path) -> None:
        """`private` is the folder for credentials."""
        self._state, self._secrets = folder / "state", private / "credentials"
        self._one_at_a_time = threading.Lock()  # the last save, at the end of a process, may meet one in a thread

    def save(self, held: Held) -> None:
        """Replace what was saved before; after a crash either the old or the new is there, whole. Raises OSError."""
        endpoints = {key: (reached.endpoints, reached.hash) for key, reached in held.endpoints.items()}
        rows = [(key.namespace, key.name, key.key, value) for key, value in held.credentials.items()]
        with self._one_at_a_time:
            _write(self._secrets, _Secrets(held.revision, rows, held.keys))
            state = _State(
                held.epoch, held.sequence, dumps(held.wire), endpoints, held.keys is not None, held.api_server
            )
            _write(self._state, state)

    def load(self) -> Held | None:
        """What was saved last; None when there is nothing. Raises SnapshotError when it is damaged."""
        if not self._state.exists():
            return None
        state = _read(self._state, _State)
        secrets = (
            _read(self._secrets, _Secrets) if self._secrets.exists() else _Secrets("", [], "" if state.closed else None)
        )
        return Held(
            epoch=state.epoch,
            sequence=state.sequence,
            wire=loads(state.snapshot),
            endpoints={key: Reached(*each) for key, each in state.endpoints.items()},
            credentials={
                SecretKey(namespace=namespace, name=name, key=key): value
                for namespace, name, key, value in secrets.credentials
            },
            revision=secrets.revision,
            keys=secrets.keys,
            api_server=state.api_server,
        )


def _write(file: Path, value: msgspec.Struct) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    content = msgspec.msgpack.encode(value)
    new = file.with_name(f"{file.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(_MAGIC + digest(content).encode() + b"\n" + content)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)  # the name is on disk only when its folder is
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(file: Path, kind: type[Any]) -> Any:
    data = file.read_bytes()
    content = data[_HEADER:]
    if data[:_HEADER] != _MAGIC + digest(content).encode() + b"\n":
        raise SnapshotError(f"{file}: is damaged; remove it, and the control plane's next answer replaces it")
    try:
        return msgspec.msgpack.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise SnapshotError(f"{file}: cannot be read: {type(error).__name__}") from None
