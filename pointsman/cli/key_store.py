"""Changes a key file as a whole or not at all: one writer at a time, a complete file at every moment, mode 0600."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pointsman.core.errors import ConfigError
from pointsman.core.keys import KeyEntry, parse_keys


def entries(path: Path) -> tuple[KeyEntry, ...]:
    """The keys of a file. Raises ConfigError when it cannot be read or has problems."""
    parsed = parse_keys(_read(path), str(path))
    if parsed.problems:
        raise ConfigError("; ".join(map(str, parsed.problems)))
    return parsed.entries


def change(path: Path, edit: Callable[[str], str], *, create: bool = False) -> None:
    """Replace a file's text by its edited text. With `create`, a missing file counts as empty."""
    path = path.resolve()  # behind a link, the file itself is replaced
    with _locked(path.parent):
        text = "" if create and not path.exists() else _read(path)
        try:
            edited = edit(text)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error
        _replace(path, edited)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist; `pointsman keys create` makes it") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which needs no file of its own and ends with the process."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ConfigError(f"{folder} is not a folder that can be opened: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    except OSError as error:
        raise ConfigError(f"{path.parent} cannot be written: {error.strerror}") from error
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
