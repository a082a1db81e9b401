"""The key file in force; read again when it changes, and kept as it was when the new one is wrong."""

from collections.abc import Callable
from pathlib import Path

from pointsman.core.errors import ConfigError
from pointsman.core.keys import parse_keys
from router_svc.exchange import Identity
from router_svc.identify import Keyring


class KeyFile:
    """Whose an API key is, by a file; without one, everyone may ask (open mode, for local use)."""

    def __init__(self, path: Path | None, clock: Callable[[], float]) -> None:
        """`clock` gives epoch seconds. Raises ConfigError when the file is unreadable or wrong."""
        self._path, self._clock = path, clock
        self._text: str | None = None
        self._wrong = ""
        self._keyring = Keyring(None, clock)
        self.load()

    @property
    def open(self) -> bool:
        """Whether requests need no key."""
        return self._keyring.open

    def identify(self, authorization: str | None, body_user: str = "") -> Identity:
        """Subject and rights; raises `Unauthenticated`."""
        return self._keyring.identify(authorization, body_user)

    def load(self) -> bool:
        """Read the file; whether it had changed.

        Raises ConfigError as long as the file is unreadable or wrong, and the keys before stay in force.
        """
        if self._path is None:
            return False
        try:
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self._path}: {error}") from error
        return self.take(text, str(self._path))

    def take(self, text: str, file: str = "") -> bool:
        """Put the keys of a key file's text in force; whether it is a new one.

        Raises ConfigError as long as the text is wrong, and the keys before stay in force.
        """
        changed = text != self._text
        if changed:
            parsed = parse_keys(text, file)
            self._wrong = "; ".join(str(problem) for problem in parsed.problems if problem.is_error)
            self._keyring = self._keyring if self._wrong else Keyring(parsed.entries, self._clock)
            self._text = text
        if self._wrong:
            raise ConfigError(self._wrong)
        return changed
